// Takes what has been carried on out of dynoxide's stream: node trim.cjs <database> <sequence>
//
// dynoxide keeps every record of a stream for ever, and looks through all of them with every write: a table that is used daily gets
// slower by the day. A table of AWS forgets after 24 hours. The database must be closed, and all of it in the one file. Records from
// the given sequence on stay: they are still to be delivered, and the next one's number is counted from the last.
const fs = require("node:fs");
const initSqlJs = require("sql.js");

const [file, sequence] = process.argv.slice(2);

initSqlJs().then((SQL) => {
  const bytes = fs.readFileSync(file);
  // A file in write-ahead mode can't be opened in memory; closed, it differs from any other by these two bytes alone
  // (https://www.sqlite.org/fileformat.html#file_format_version_numbers).
  bytes[18] = bytes[19] = 1;
  const db = new SQL.Database(bytes);
  db.run("DELETE FROM _stream_records WHERE CAST(sequence_number AS INTEGER) < ?", [Number(sequence)]);
  db.run("VACUUM");
  fs.writeFileSync(file + ".trimmed", db.export());
  fs.renameSync(file + ".trimmed", file);
});
