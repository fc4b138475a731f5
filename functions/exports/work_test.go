package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tributary-app/tributary/shared/batch"
	"github.com/tributary-app/tributary/shared/dynamotest"
	"github.com/tributary-app/tributary/shared/network"
)

type ctx = context.Context

// table is the file that was made, row by row, cells joined by a bar.
func (w *world) table(t *testing.T, format string) []string {
	t.Helper()
	b := w.bucket.objects["exports/"+chainID+"/"+exportID+"/directory."+format]
	var rows [][]string
	if format == "csv" {
		var err error
		if rows, err = csv.NewReader(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff"))).ReadAll(); err != nil {
			t.Fatal(err)
		}
	} else {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.Open("xl/worksheets/sheet1.xml")
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Rows []struct {
				Cells []string `xml:"c>is>t"`
			} `xml:"sheetData>row"`
		}
		if err := xml.NewDecoder(f).Decode(&s); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Rows {
			rows = append(rows, r.Cells)
		}
	}
	var out []string
	for _, r := range rows {
		out = append(out, strings.Join(r, "|"))
	}
	return out
}

func TestAnExportIsMadeAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t, 2)
	if runs, failed := w.hears(t, w.asks(t, "csv")); runs != 1 || failed != 0 {
		t.Errorf("got %d runs, %d failed", runs, failed)
	}
	want := []string{
		"Group|Company|Alias|Custom company ID|State|Contact|Identity|Phone|Joined at (UTC)",
		"|Joined Ltd|||joined|Person 50|member|'" + phone(50) + "|2026-11-22 12:00:00",
		"|Dealer 0000|||pending||||", "|Dealer 0001|||pending||||",
	}
	if got := w.table(t, "csv"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if e := w.is(t); e.State != network.ExportDone || e.Rows != 3 || !e.FinishedAt.Equal(noon) {
		t.Errorf("got %+v, want it done", e)
	}
	// A second delivery does nothing.
	delete(w.bucket.objects, w.bucket.files()[0])
	if w.hears(t, w.asks(t, "csv")); len(w.bucket.files()) != 0 {
		t.Error("a second delivery makes it again")
	}
}

func TestAnExportOfManyRunsIsThatOfOne(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "xlsx"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := setup(t, 450)
			w.spare = times(2)
			if runs, failed := w.hears(t, w.asks(t, format)); runs < 3 || failed != 0 {
				t.Errorf("got %d runs, %d failed, want some and none", runs, failed)
			}
			got := w.table(t, format)
			if len(got) != 452 || w.is(t).Rows != 451 {
				t.Fatalf("got %d rows, says %+v", len(got), w.is(t))
			}
			seen := map[string]bool{}
			for _, r := range got {
				if seen[r] {
					t.Errorf("%q is there twice", r)
				}
				seen[r] = true
			}
		})
	}
}

func TestWhatFailsIsTriedAgainAMinuteLaterAndLosesNothing(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(w *world){
		"the bucket refuses a part": func(w *world) {
			n := 0
			w.bucket.fault = func(r *http.Request) bool { n++; return n == 1 }
		},
		"the bucket refuses the file": func(w *world) {
			n := 0
			w.bucket.fault = func(r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/directory.xlsx") {
					n++
				}
				return n == 1
			}
		},
		"a part can't be read": func(w *world) {
			n := 0
			w.bucket.fault = func(r *http.Request) bool {
				if r.Method == http.MethodGet {
					n++
				}
				return n == 1
			}
		},
		"the table answers nothing to what it has written": func(w *world) {
			n := 0
			w.tb.Break = func(op string, _ int) dynamotest.Fault {
				if op == "TransactWriteItems" {
					if n++; n == 1 {
						return dynamotest.After
					}
				}
				return dynamotest.None
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, 150)
			body := w.asks(t, "xlsx")
			breaks(w)
			if _, failed := w.hears(t, body); failed != 0 {
				t.Errorf("got %d failed, want it tried again", failed)
			}
			w.tb.Break = nil
			if w.is(t).State != network.ExportDone { // heard twice, as it may be
				w.hears(t, body)
			}
			if got := w.table(t, "xlsx"); len(got) != 152 || w.is(t).State != network.ExportDone {
				t.Errorf("got %d rows, says %+v", len(got), w.is(t))
			}
		})
	}
}

func TestAnExportThatKeepsFailingIsLeftToTheQueue(t *testing.T) {
	t.Parallel()
	w := setup(t, 1)
	w.bucket.fault = func(*http.Request) bool { return true }
	if runs, failed := w.hears(t, w.asks(t, "csv")); runs != tries || failed != 1 || fmt.Sprint(w.sent.delays) != fmt.Sprint([]int{tryAgain, tryAgain}) {
		t.Errorf("got %d runs, %d failed, delays %v", runs, failed, w.sent.delays)
	}
}

// Between any two pages its maker may be made less than they were.
func TestWhoSeesLessMeanwhileGetsNoFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends func(w *world) error
		want string
	}{
		"no admin any more": {func(w *world) error {
			return w.store.RemoveAdmin(context.Background(), network.Chain{ID: chainID}, member(1, "").Person)
		}, network.ExportNotAllowed},
		"out of the corp": {func(w *world) error {
			return w.store.RemoveMember(context.Background(), ownerID, member(1, "").Person)
		}, network.ExportNotAllowed},
	} {
		for _, page := range []int{1, 2, 3} {
			t.Run(fmt.Sprint(name, page), func(t *testing.T) {
				t.Parallel()
				w := setup(t, 150)
				n := 0
				spare := w.spare
				w.spare = func(ctx ctx) bool {
					if n++; n == page {
						if err := c.ends(w); err != nil {
							t.Error(err)
						}
					}
					return spare(ctx)
				}
				_, failed := w.hears(t, w.asks(t, "csv"))
				if e := w.is(t); failed != 0 || e.State != network.ExportFailed || e.Code != c.want || len(w.bucket.files()) != 0 {
					t.Errorf("got %+v and %v, want no file", e, w.bucket.files())
				}
			})
		}
	}
}

func TestOfTwoRunsAtOnceOneGoesOn(t *testing.T) {
	t.Parallel()
	w := setup(t, 150)
	body := w.asks(t, "csv")
	n := 0
	w.spare = func(ctx) bool {
		if n++; n == 2 { // the other is faster
			if _, failed := w.hears(t, body); failed != 0 {
				t.Error("the other failed")
			}
		}
		return true
	}
	if _, failed := w.hears(t, body); failed != 0 || len(w.table(t, "csv")) != 152 || w.is(t).State != network.ExportDone {
		t.Errorf("got %d failed, %d rows, %+v", failed, len(w.table(t, "csv")), w.is(t))
	}
}

// Every file in events/exports is what Lambda delivers.
func TestTheSampleEventWorks(t *testing.T) {
	t.Parallel()
	w := setup(t, 1)
	w.asks(t, "csv")
	b, err := os.ReadFile("../../events/exports/asked.json")
	if err != nil {
		t.Fatal(err)
	}
	var e events.SQSEvent
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	out, err := batch.Each(w.hear)(t.Context(), e)
	if err != nil || out.BatchItemFailures == nil || len(out.BatchItemFailures) != 0 || w.is(t).State != network.ExportDone {
		t.Errorf("got %+v %v, %+v", out, err, w.is(t))
	}
	e.Records[0].Body = network.Event{Kind: network.Joined}.Encode()
	if out, err := batch.Each(w.hear)(t.Context(), e); err != nil || len(out.BatchItemFailures) != 1 {
		t.Errorf("got %+v %v for what isn't its own", out, err)
	}
}
