(function(){
var d=document,f=d.querySelector("form[data-once]"),o=d.querySelector("form[data-opened]");
function sent(form){return new URLSearchParams(new FormData(form))}
// The recipient has seen it: said by the page and never by a GET. Without this script the join itself says it.
if(o&&window.fetch)fetch(o.action,{method:"POST",body:sent(o),credentials:"same-origin",keepalive:true}).catch(function(){});
if(!f)return;
var b=f.querySelector("button"),lost=f.querySelector("[data-lost]"),said=b.textContent,busy=false;
function hold(on){busy=on;[].forEach.call(f.elements,function(e){e.readOnly=on})} // what is typed now, the answer would take away
function free(){hold(false);b.removeAttribute("aria-disabled");b.textContent=said}
// The page stays until there is an answer: a browser that finds no connection shows a page of its own, and what was typed is gone.
f.addEventListener("submit",function(e){
if(busy){e.preventDefault();return}
hold(true);b.setAttribute("aria-disabled","true");b.textContent=b.dataset.busy;lost.textContent="";setTimeout(free,15000);
if(!window.fetch||!window.URLSearchParams)return;
e.preventDefault();
fetch(f.action,{method:"POST",body:sent(f),credentials:"same-origin",redirect:"manual"}).then(function(r){
if(r.type==="opaqueredirect"){history.pushState(null,"");location.replace(f.action);return} // so that back leads here, and not to the sign-in
if(!/^text\/html/.test(r.headers.get("Content-Type")))throw r;
return r.text().then(function(page){
d.open();d.write(page);d.close();scrollTo(0,0);
var at=d.querySelector("[autofocus]")||d.querySelector("[role=alert]");
if(at){if(at.tabIndex<0)at.tabIndex=-1;at.focus()}
})}).catch(function(){free();lost.textContent=lost.dataset.lost});
});
addEventListener("pageshow",free);
var n=d.getElementById("new_corp.name");
if(n&&f.elements.corp&&f.elements.corp.length)n.addEventListener("input",function(){var r=d.getElementById("corp-new");if(n.value&&r)r.checked=true});
})();
