package network_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

// tree is root, North (2) with Beijing (4) and Tianjin (5), South (3).
func tree() network.Tree {
	return network.Tree{
		1: {ID: 1, Name: "dealers"},
		2: {ID: 2, Name: "North", Parent: 1},
		3: {ID: 3, Name: "South", Parent: 1},
		4: {ID: 4, Name: "Beijing", Parent: 2},
		5: {ID: 5, Name: "Tianjin", Parent: 2, Order: 9},
	}
}

// tower has groups 2…n+1, one under the other.
func tower(n int) network.Tree {
	t := network.Tree{1: {ID: 1}}
	for i := 2; i <= n+1; i++ {
		t[i] = network.Group{ID: i, Name: fmt.Sprint("level ", i-1), Parent: i - 1}
	}
	return t
}

func TestR25_APathIsFoundAsFarAsItExists(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path       []string
		id, levels int
	}{
		{nil, 1, 0},
		{[]string{"North"}, 2, 1},
		{[]string{"north", " BEIJING"}, 4, 2},
		{[]string{"North", "Shanghai"}, 2, 1},
		{[]string{"Beijing"}, 1, 0},
		{[]string{"East", "North"}, 1, 0},
		{[]string{"North", "Beijing", "Haidian"}, 4, 2},
	} {
		if id, levels := tree().Find(c.path); id != c.id || levels != c.levels {
			t.Errorf("%v: got %d, %d levels, want %d, %d", c.path, id, levels, c.id, c.levels)
		}
	}
}

func TestR34_ChildrenBelowAndDepth(t *testing.T) {
	t.Parallel()
	g := tree()
	var names []string
	for _, c := range g.Children(2) {
		names = append(names, c.Name)
	}
	if want := []string{"Tianjin", "Beijing"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v: larger order first", names, want)
	}
	for id, want := range map[int][]int{1: {1, 2, 3, 4, 5}, 2: {2, 4, 5}, 4: {4}, 77: {77}} {
		if got := g.Below(id); !slices.Equal(got, want) {
			t.Errorf("below %d: got %v, want %v", id, got, want)
		}
	}
	for id, want := range map[int]int{1: 0, 2: 1, 5: 2, 77: 0} {
		if got := g.Depth(id); got != want {
			t.Errorf("depth of %d: got %d, want %d", id, got, want)
		}
	}
}

func TestR34_WhereAGroupMayStand(t *testing.T) {
	t.Parallel()
	branch := tower(9)
	branch[20] = network.Group{ID: 20, Name: "loose", Parent: 1}
	branch[21] = network.Group{ID: 21, Name: "below it", Parent: 20}
	for _, c := range []struct {
		name   string
		tree   network.Tree
		id     int
		called string
		parent int
		want   string
	}{
		{"a new one", tree(), 0, "East", 1, ""},
		{"the name of a cousin", tree(), 0, "Beijing", 3, ""},
		{"the name of a sibling", tree(), 0, "north", 1, "name_taken"},
		{"its own name again", tree(), 2, "NORTH", 1, ""},
		{"a sibling's name", tree(), 2, "South", 1, "name_taken"},
		{"into another branch", tree(), 4, "Beijing", 3, ""},
		{"under itself", tree(), 2, "North", 2, "parent_id circle"},
		{"under what is below it", tree(), 2, "North", 5, "parent_id circle"},
		{"the root, anywhere", tree(), 1, "root", 3, "parent_id circle"},
		{"under no group", tree(), 0, "East", 77, "group_not_found"},
		{"the ninth level", tower(8), 0, "ninth", 9, ""},
		{"the tenth", tower(9), 0, "tenth", 10, "parent_id too_deep"},
		{"a branch that ends on the ninth", branch, 20, "loose", 8, ""},
		{"a branch that ends on the tenth", branch, 20, "loose", 9, "parent_id too_deep"},
		{"a name with a slash", tree(), 0, "a/b", 1, "name bad_character"},
		{"no name", tree(), 0, "", 1, "name missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := badField(c.tree.CheckPlace(c.id, c.called, c.parent)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestATreeThatIsNoneStillEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := network.Tree{}
		for id := 1; id <= 6; id++ {
			g[id] = network.Group{ID: id, Name: fmt.Sprint(id), Parent: rapid.IntRange(0, 7).Draw(t, "parent")}
		}
		for id := range 8 {
			below := g.Below(id)
			if !slices.Contains(below, id) || len(slices.Compact(slices.Clone(below))) != len(below) {
				t.Errorf("below %d: got %v, want it and each once", id, below)
			}
			if d := g.Depth(id); d > len(g)+1 {
				t.Errorf("depth of %d: got %d of %d groups", id, d, len(g))
			}
			_ = g.CheckPlace(id, "x", rapid.IntRange(0, 7).Draw(t, "new parent"))
		}
		g.Find([]string{"1", "2", "1", "2", "1"})
	})
}

// A tree that grows and is rearranged by CheckPlace's leave stays one.
func TestR34_WhatCheckPlaceAllowsKeepsATree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := network.Tree{1: {ID: 1, Name: "root"}}
		for step := range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := rapid.IntRange(0, len(g)).Draw(t, "id") // 0: a new one
			name := rapid.SampledFrom([]string{"a", "b", "c", "A"}).Draw(t, "name")
			parent := rapid.IntRange(1, len(g)).Draw(t, "parent")
			if g.CheckPlace(id, name, parent) != nil {
				continue
			}
			if id == 0 {
				id = len(g) + 1
			}
			g[id] = network.Group{ID: id, Name: name, Parent: parent, Order: uint32(step)}
		}
		if got := g.Below(1); len(got) != len(g) {
			t.Errorf("got %v below the root, want all of %d", got, len(g))
		}
		for id := range g {
			if g.Depth(id) > network.MaxDepth {
				t.Errorf("group %d stands on level %d", id, g.Depth(id))
			}
			names := map[string]bool{}
			for _, c := range g.Children(id) {
				if names[network.FoldName(c.Name)] {
					t.Errorf("two groups under %d are called %q", id, c.Name)
				}
				names[network.FoldName(c.Name)] = true
			}
		}
	})
}
