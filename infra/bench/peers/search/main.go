// Command search answers queries over names with SQLite's FTS5 (trigram) and with bleve, as their users would write it well. It reads a request from its
// input and prints what each engine found and how long it took.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	_ "modernc.org/sqlite"
)

type request struct {
	Names   [][2]string // name and alias; the id is the place
	Queries []string
	Page    int
	Repeat  int
}

// answer is an engine's: of each query the times of a page in ns, and all that is found.
type answer struct {
	Engine string
	Build  time.Duration
	Took   [][]time.Duration
	Found  [][]int
}

func main() {
	var r request
	err := json.NewDecoder(os.Stdin).Decode(&r)
	for _, engine := range []func(request) (answer, error){fts5, bigrams} {
		if err != nil {
			break
		}
		var a answer
		if a, err = engine(r); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(a)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

// measure asks each query for a page, Repeat times, and once for all.
func measure(r request, a *answer, find func(query string, limit int) ([]int, error)) error {
	for _, q := range r.Queries {
		all, err := find(q, len(r.Names))
		if err != nil {
			return fmt.Errorf("%s, %q: %w", a.Engine, q, err)
		}
		var took []time.Duration
		for range r.Repeat {
			began := time.Now()
			if _, err := find(q, r.Page); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		a.Took, a.Found = append(a.Took, took), append(a.Found, all)
	}
	return nil
}

func fts5(r request) (answer, error) {
	a := answer{Engine: "SQLite FTS5 trigram"}
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return a, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // another connection would have another memory
	began := time.Now()
	if _, err := db.ExecContext(ctx, `CREATE VIRTUAL TABLE names USING fts5(name, alias, tokenize = 'trigram')`); err != nil {
		return a, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return a, err
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO names (rowid, name, alias) VALUES (?, ?, ?)`)
	if err != nil {
		return a, err
	}
	for i, n := range r.Names {
		if _, err := put.ExecContext(ctx, i, n[0], n[1]); err != nil {
			return a, err
		}
	}
	if err := tx.Commit(); err != nil {
		return a, err
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO names (names) VALUES ('optimize')`); err != nil {
		return a, err
	}
	a.Build = time.Since(began)
	match, err := db.PrepareContext(ctx, `SELECT rowid FROM names WHERE names MATCH ? ORDER BY rank LIMIT ?`)
	if err != nil {
		return a, err
	}
	// A trigram needs three characters; fewer are looked for in all rows, as SQLite's manual says.
	like, err := db.PrepareContext(ctx, `SELECT rowid FROM names WHERE name LIKE ?1 OR alias LIKE ?1 LIMIT ?2`)
	if err != nil {
		return a, err
	}
	return a, measure(r, &a, func(q string, limit int) (ids []int, err error) {
		statement, text := match, `"`+strings.ReplaceAll(q, `"`, `""`)+`"`
		if utf8.RuneCountInString(q) < 3 {
			statement, text = like, "%"+q+"%"
		}
		rows, err := statement.QueryContext(ctx, text, limit)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			if err := rows.Scan(&id); err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, rows.Err()
	})
}

// bigrams is bleve with its analyzer for Chinese, which cuts characters into pairs; a phrase of pairs is a piece of the name.
func bigrams(r request) (answer, error) {
	a := answer{Engine: "bleve, cjk"}
	dir, err := os.MkdirTemp("", "bleve-")
	if err != nil {
		return a, err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	mapping := bleve.NewIndexMapping()
	mapping.DefaultAnalyzer = cjk.AnalyzerName
	mapping.StoreDynamic = false
	mapping.DocValuesDynamic = false
	index, err := bleve.New(dir+"/index", mapping)
	if err != nil {
		return a, err
	}
	defer index.Close()
	for from := 0; from < len(r.Names); from += 5000 {
		batch := index.NewBatch()
		for i := from; i < min(from+5000, len(r.Names)); i++ {
			if err := batch.Index(strconv.Itoa(i), map[string]string{"name": r.Names[i][0], "alias": r.Names[i][1]}); err != nil {
				return a, err
			}
		}
		if err := index.Batch(batch); err != nil {
			return a, err
		}
	}
	a.Build = time.Since(began)
	return a, measure(r, &a, func(q string, limit int) (ids []int, err error) {
		ask := bleve.NewSearchRequestOptions(bleve.NewMatchPhraseQuery(q), limit, 0, false)
		found, err := index.Search(ask)
		if err != nil {
			return nil, err
		}
		for _, h := range found.Hits {
			id, err := strconv.Atoi(h.ID)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	})
}
