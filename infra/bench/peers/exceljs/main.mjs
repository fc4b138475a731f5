// Imports a roster with exceljs and the AWS SDK, as one would write it in Node: a peer of functions/imports in the benchmarks
// (infra/bench/README.md says what it leaves out).
//
//	node main.mjs <roster.xlsx> <dynamodb endpoint> <table> <chain> <import>
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Agent } from "node:http";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { BatchExecuteStatementCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import ExcelJS from "exceljs";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";

const [file, endpoint, table, chain, id] = process.argv.slice(2);
if (!id) {
  console.error("usage: node main.mjs <roster.xlsx> <endpoint> <table> <chain> <import>");
  process.exit(2);
}
const writers = 8;
const batch = 25;
const now = String(Date.now());
const db = new DynamoDBClient({
  region: "us-east-1",
  endpoint,
  credentials: { accessKeyId: "peer", secretAccessKey: "peer" },
  requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets: writers }) }),
});
const counts = { Rows: 0, Failed: 0, Written: 0, There: 0 };

const digest = (...parts) => createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16);

// A mobile number, of China if it says no country; "" for what isn't one.
function toE164(s) {
  const n = parsePhoneNumberFromString(s, "CN");
  return n && n.isValid() && ["MOBILE", "FIXED_LINE_OR_MOBILE"].includes(n.getType()) ? n.number : "";
}

// What became of each row, for whoever asks later: 500 of them in one item, packed.
let outcomes = [];
async function note(row, outcome, partner = "", person = "") {
  outcomes.push({ row, outcome, partner, person });
  if (outcomes.length === 500) await keep();
}
async function keep() {
  if (outcomes.length === 0) return;
  const rows = await promisify(deflate)(JSON.stringify(outcomes));
  await db.send(new PutItemCommand({ TableName: table, Item: {
    PK: { S: `CHAIN#${chain}#ROWS#${id}` }, SK: { S: `CHUNK#${String(outcomes[0].row).padStart(10, "0")}` }, Rows: { B: rows },
  } }));
  outcomes = [];
}

// The statement that puts an item where there is none.
function insert(item) {
  return { Statement: `INSERT INTO "${table}" VALUE {${Object.keys(item).map((k) => `'${k}':?`).join(",")}}`, Parameters: Object.values(item) };
}

// Sends a batch, and again what the table had no time for.
async function write(left) {
  for (let n = 0; left.length > 0; n++) {
    if (n === 8) throw new Error("the table is too busy");
    if (n > 0) await new Promise((done) => setTimeout(done, 10 * 2 ** n));
    const out = await db.send(new BatchExecuteStatementCommand({ Statements: left }));
    const again = [];
    out.Responses.forEach((r, i) => {
      if (!r.Error) counts.Written++;
      else if (r.Error.Code === "DuplicateItem") counts.There++;
      else if (r.Error.Code === "ThrottlingError" || r.Error.Code === "ProvisionedThroughputExceeded") again.push(left[i]);
      else throw new Error(r.Error.Message);
    });
    left = again;
  }
}

// At most so many writes are under way; who has one more waits for one of them.
const writing = new Set();
let queued = [];
async function send(statement) {
  queued.push(statement);
  if (queued.length === batch) await flush();
}
async function flush() {
  if (writing.size >= writers) await Promise.race(writing);
  const one = write(queued);
  queued = [];
  writing.add(one);
  one.then(() => writing.delete(one), () => {}); // one that failed stays, and the race hears of it
}

// A cell's text, whatever it is made of.
function text(row, n) {
  if (!n) return "";
  const v = row.getCell(n).value;
  if (v === null || v === undefined) return "";
  if (typeof v === "object") return (v.richText ? v.richText.map((r) => r.text).join("") : String(v.result ?? v.text ?? "")).normalize("NFKC").trim();
  return String(v).normalize("NFKC").trim();
}

const reader = new ExcelJS.stream.xlsx.WorkbookReader(createReadStream(file), {
  worksheets: "emit", sharedStrings: "cache", hyperlinks: "ignore", styles: "ignore", entries: "ignore",
});
const partners = new Set();
const contacts = new Set();
for await (const sheet of reader) {
  let column;
  for await (const row of sheet) {
    if (!column) {
      column = {};
      row.eachCell((cell, n) => (column[String(cell.value).trim()] = n));
      for (const name of ["企业名称", "联系人姓名", "手机号"]) if (!column[name]) throw new Error("no column " + name);
      continue;
    }
    counts.Rows++;
    const corp = text(row, column["企业名称"]);
    const name = text(row, column["联系人姓名"]);
    const phone = toE164(text(row, column["手机号"]));
    if (!corp || !name || !phone || corp.length > 32 || name.length > 32) {
      counts.Failed++;
      await note(counts.Rows + 1, "invalid");
      continue;
    }
    const customID = text(row, column["自定义企业ID"]);
    const memberID = text(row, column["自定义成员ID"]);
    const partner = digest(chain, customID, corp);
    const person = digest("person", phone);
    if (contacts.has(partner + person)) continue;
    contacts.add(partner + person);
    await note(counts.Rows + 1, "create", partner, person);
    if (!partners.has(partner)) {
      partners.add(partner);
      const said = createHash("sha256").update(name + "\0" + memberID).digest().subarray(0, 8).toString("base64");
      await send(insert({
        PK: { S: `CHAIN#${chain}#P${partner[0]}` }, SK: { S: "PARTNER#" + partner },
        LPK: { S: `CHAIN#${chain}#L${partner.charCodeAt(0) % 4}` }, LSK: { S: `1#0000000001#${corp}#${partner}` },
        Card: { M: {
          Name: { S: corp }, CustomID: { S: customID }, Group: { N: "1" }, State: { S: "pending" }, Imported: { BOOL: true }, Contacts: { N: "1" }, Joined: { N: "0" },
        } },
        People: { M: { [person]: { S: said } } }, Import: { S: id }, Epoch: { N: "0" }, Edition: { N: "1" }, Gate: { N: "0" },
      }));
    }
    const item = {
      PK: { S: "PERSON#" + person }, SK: { S: `CHAIN#${chain}#${partner}` }, Name: { S: name }, Phone: { S: phone },
      Leader: { BOOL: text(row, column["身份"]) === "负责人" }, Import: { S: id }, Chunk: { N: String(Math.floor(counts.Rows / 250)) },
      TokenVersion: { N: "1" }, NoticeAt: { N: now }, Inviter: { S: "peer" }, Edition: { N: "1" },
    };
    if (memberID) item.MemberCustomID = { S: memberID };
    await send(insert(item));
  }
  break; // the first sheet
}
await keep();
if (queued.length > 0) await flush();
await Promise.all(writing);
console.log(JSON.stringify(counts));
