package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/roster/form"
	"github.com/tributary-app/tributary/shared/web"
)

// rosterTemplate is the form to fill in. It is made beforehand: the package
// that draws workbooks would take this door past its size.
func rosterTemplate(w http.ResponseWriter, r *http.Request) error {
	lang, err := web.LanguageAsked(r)
	if err != nil {
		return err
	}
	web.WorkbookHead(w, "roster-template.xlsx", lang)
	w.Header().Set("Cache-Control", "public, max-age=300")
	return form.Template(w, string(lang))
}

// chainTemplate is the same with a drop-down of the chain's groups.
func (d *directory) chainTemplate(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err == nil {
		err = a.MustAdmin()
	}
	if err != nil {
		return err
	}
	lang, err := web.LanguageAsked(r)
	if err != nil {
		return err
	}
	tree, err := d.store.Tree(r.Context(), a.Chain.ID)
	if err != nil {
		return err
	}
	web.WorkbookHead(w, "roster-template.xlsx", lang)
	return form.ChainTemplate(w, string(lang), paths(tree))
}

// paths are the groups below the root as a roster writes them, each before
// those below it, at most as many as a template offers.
func paths(tree network.Tree) []string {
	below := map[int]network.Tree{}
	for id, g := range tree {
		if below[g.Parent] == nil {
			below[g.Parent] = network.Tree{}
		}
		below[g.Parent][id] = g
	}
	var all []string
	var walk func(parent int, path []string)
	walk = func(parent int, path []string) {
		for _, g := range below[parent].Children(parent) {
			if len(all) == form.MaxGroups || len(path) == network.MaxDepth {
				return
			}
			here := append(slices.Clip(path), g.Name)
			all = append(all, strings.Join(here, "/"))
			walk(g.ID, here)
		}
	}
	walk(network.RootGroup, nil)
	return all
}
