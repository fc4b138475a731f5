// Tunes dynoxide's database for daily use: node tune.cjs <database> <sequence>
//
// With every write to a table that has a stream, dynoxide looks for the greatest number among all the records that the stream ever had,
// through each of them, for it keeps them all. So a roster of 10,000 took a minute, and each play was slower than the one before. This
// adds the index that makes the look-up a step, and takes out what has been delivered: a table of AWS forgets after 24 hours.
//
// The database must be closed, and all of it in the one file. Records from the given sequence on stay: they are still to be delivered,
// and the next one's number is counted from the last.
const fs = require("node:fs");
const initSqlJs = require("sql.js");

const [file, sequence] = process.argv.slice(2);

initSqlJs().then((SQL) => {
  const bytes = fs.readFileSync(file);
  // A file in write-ahead mode can't be opened in memory; closed, it differs from any other by these two bytes alone
  // (https://www.sqlite.org/fileformat.html#file_format_version_numbers).
  bytes[18] = bytes[19] = 1;
  const db = new SQL.Database(bytes);
  db.run("CREATE INDEX IF NOT EXISTS tributary_next ON _stream_records (table_name, CAST(sequence_number AS INTEGER))");
  db.run("DELETE FROM _stream_records WHERE CAST(sequence_number AS INTEGER) < ?", [Number(sequence)]);
  db.run("VACUUM");
  fs.writeFileSync(file + ".tuned", db.export());
  fs.renameSync(file + ".tuned", file);
});
