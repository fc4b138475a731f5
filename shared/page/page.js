(function(){
var d=document,f=d.querySelector("form[data-once]"),o=d.querySelector("form[data-opened]");
// The recipient has seen it: said by the page and never by a GET. Without this script the join itself says it.
if(o&&window.fetch)fetch(o.action,{method:"POST",body:new URLSearchParams(new FormData(o)),credentials:"same-origin",keepalive:true}).catch(function(){});
if(!f)return;
var b=f.querySelector("button"),said=b.textContent,busy=false;
function free(){busy=false;b.removeAttribute("aria-disabled");b.textContent=said}
f.addEventListener("submit",function(e){if(busy){e.preventDefault();return}busy=true;b.setAttribute("aria-disabled","true");b.textContent=b.dataset.busy;setTimeout(free,15000)});
addEventListener("pageshow",free);
var n=d.getElementById("new_corp.name");
if(n&&f.elements.corp&&f.elements.corp.length)n.addEventListener("input",function(){var r=d.getElementById("corp-new");if(n.value&&r)r.checked=true});
})();
