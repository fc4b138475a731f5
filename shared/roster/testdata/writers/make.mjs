// Makes the workbooks of this folder that exceljs writes, as a whole and as a stream, from grid.json. See make.py.
//
//     npm install --no-save exceljs@4.4.0
import ExcelJS from "exceljs";
import { readFileSync } from "node:fs";

const rows = JSON.parse(readFileSync("grid.json", "utf8"));
const merges = ["A1:J1", "F6:F9", "B20:B22", "G20:G22", "I20:J20"];

function value(cell) {
  if (cell === null || typeof cell !== "object") return cell;
  if (cell.rich) return { richText: cell.rich.map((text, i) => ({ text, font: { bold: i % 2 === 1 } })) };
  if (cell.date) return new Date(cell.date + "T00:00:00Z");
  if (cell.error) return { error: cell.error };
  return { formula: cell.formula, result: cell.value };
}

async function make(book, done) {
  const hidden = book.addWorksheet("字典", { state: "hidden" });
  hidden.addRow(["企业名称", "联系人姓名", "手机号"]).commit();
  const sheet = book.addWorksheet("名单", { views: [{ state: "frozen", ySplit: 3 }] });
  sheet.columns = [{ width: 18, style: { numFmt: "@" } }, { width: 24 }, { hidden: true }];
  for (let n = 1; n < 80; n++) {
    const row = sheet.getRow(n);
    const { cells } = rows.find((r) => r.row === n) ?? { cells: [] };
    cells.forEach((cell, i) => {
      if (cell !== null) row.getCell(i + 1).value = value(cell);
    });
    if (n === 3) row.font = { bold: true };
    if (n === 31) row.hidden = true;
    if (n > 61) row.getCell(1).fill = { type: "pattern", pattern: "solid", fgColor: { argb: "FFFFFFEE" } };
  }
  for (const m of merges) sheet.mergeCells(m);
  await done(sheet);
}

const whole = new ExcelJS.Workbook();
await make(whole, () => whole.xlsx.writeFile("exceljs.xlsx"));
// A stream without shared texts: each stands in its cell.
const stream = new ExcelJS.stream.xlsx.WorkbookWriter({ filename: "exceljs-stream.xlsx", useStyles: true, useSharedStrings: false });
await make(stream, async (sheet) => {
  sheet.commit();
  await stream.commit();
});
