// Command make writes the workbooks of this folder that excelize makes, as a
// whole and as a stream, from grid.json. See make.py.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"
	"time"

	"github.com/xuri/excelize/v2" // as in go.mod
)

type row struct {
	Row   int
	Cells []any
}

func main() {
	b, err := os.ReadFile("grid.json")
	if err != nil {
		log.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(b, &rows); err != nil {
		log.Fatal(err)
	}
	whole(rows)
	stream(rows)
}

const sheet = "名单"

var merges = [][2]string{{"A1", "J1"}, {"F6", "F9"}, {"B20", "B22"}, {"G20", "G22"}, {"I20", "J20"}}

func start() *excelize.File {
	f := excelize.NewFile()
	must(f.SetSheetName("Sheet1", "字典"))
	must(f.SetSheetRow("字典", "A1", &[]any{"企业名称", "联系人姓名", "手机号"}))
	n, err := f.NewSheet(sheet)
	must(err)
	f.SetActiveSheet(n)
	must(f.SetSheetVisible("字典", false))
	return f
}

func whole(rows []row) {
	f := start()
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49})
	must(err)
	must(f.SetColStyle(sheet, "A", text))
	must(f.SetColVisible(sheet, "C", false))
	must(f.SetRowVisible(sheet, 31, false))
	for _, r := range rows {
		for i, cell := range r.Cells {
			at, err := excelize.CoordinatesToCellName(i+1, r.Row)
			must(err)
			special, ok := cell.(map[string]any)
			switch {
			case !ok:
				must(f.SetCellValue(sheet, at, plain(cell)))
			case special["rich"] != nil:
				var runs []excelize.RichTextRun
				for i, s := range special["rich"].([]any) {
					runs = append(runs, excelize.RichTextRun{Text: s.(string), Font: &excelize.Font{Bold: i%2 == 1}})
				}
				must(f.SetCellRichText(sheet, at, runs))
			case special["formula"] != nil:
				must(f.SetCellValue(sheet, at, plain(special["value"])))
				must(f.SetCellFormula(sheet, at, special["formula"].(string)))
			default:
				must(f.SetCellValue(sheet, at, plain(cell)))
			}
		}
	}
	for _, m := range merges {
		must(f.MergeCell(sheet, m[0], m[1]))
	}
	for n := 62; n < 80; n++ {
		at, err := excelize.CoordinatesToCellName(10, n)
		must(err)
		must(f.SetCellStyle(sheet, at, at, text))
	}
	must(f.SaveAs("excelize.xlsx"))
}

func stream(rows []row) {
	f := start()
	w, err := f.NewStreamWriter(sheet)
	must(err)
	for _, r := range rows {
		cells := make([]any, len(r.Cells))
		for i, cell := range r.Cells {
			cells[i] = plain(cell)
			if special, ok := cell.(map[string]any); ok && special["rich"] != nil {
				var s strings.Builder
				for _, run := range special["rich"].([]any) {
					s.WriteString(run.(string))
				}
				cells[i] = s.String()
			} else if ok && special["formula"] != nil {
				cells[i] = excelize.Cell{Formula: special["formula"].(string), Value: plain(special["value"])}
			}
		}
		at, err := excelize.CoordinatesToCellName(1, r.Row)
		must(err)
		must(w.SetRow(at, cells))
	}
	for _, m := range merges {
		must(w.MergeCell(m[0], m[1]))
	}
	must(w.Flush())
	must(f.SaveAs("excelize-stream.xlsx"))
}

// plain is a cell's value. An error can only be written out as its text.
func plain(cell any) any {
	special, ok := cell.(map[string]any)
	switch {
	case !ok:
		if f, ok := cell.(float64); ok && f == float64(int64(f)) {
			return int64(f)
		}
		return cell
	case special["date"] != nil:
		day, err := time.Parse(time.DateOnly, special["date"].(string))
		must(err)
		return day
	case special["error"] != nil:
		return special["error"]
	}
	return cell
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
