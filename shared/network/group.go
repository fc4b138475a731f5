package network

import (
	"fmt"
	"slices"
	"strings"
)

// RootGroup is the id of every chain's root group (R34).
const RootGroup = 1

// MaxDepth is how many levels of groups there may be below the root (R46).
const MaxDepth = 9

// Group is where a partner stands in a chain (分组).
type Group struct {
	ID      int
	Name    string
	Parent  int // 0 for the root alone
	Order   uint32
	Edition int
	Import  string // that made it, "" for an admin's
}

// Tree is a chain's groups by id.
type Tree map[int]Group

// CheckGroupName holds what a group may be called: 1–32 characters, no "/",
// which separates the levels of a path (R25).
func CheckGroupName(field, name string) error {
	if err := checkText(field, name, MaxName); err != nil {
		return err
	}
	if strings.Contains(name, "/") {
		return InvalidField(field, "bad_character", "must not contain /")
	}
	return nil
}

// Landing is the group where somebody who was sent to id lands: where its
// people went if it has been deleted, and the root for none (R08, R34).
func (c Chain) Landing(id int) int {
	for range len(c.Moved) {
		to, moved := c.Moved[id]
		if !moved {
			break
		}
		id = to
	}
	return max(id, RootGroup)
}

// Depth is how many levels below the root the group is.
func (t Tree) Depth(id int) int {
	n := 0
	for g := t[id]; g.Parent != 0 && n <= len(t); g = t[g.Parent] {
		n++
	}
	return n
}

// Children are the groups right below id, by order (larger first, as
// WeCom's), then by name.
func (t Tree) Children(id int) []Group {
	var out []Group
	for _, g := range t {
		if g.Parent == id {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b Group) int {
		if a.Order != b.Order {
			if a.Order > b.Order {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// Below are the ids of the group and of all groups under it, ascending.
func (t Tree) Below(id int) []int {
	under := make(map[int][]int, len(t))
	for _, g := range t {
		under[g.Parent] = append(under[g.Parent], g.ID)
	}
	out := []int{id}
	for i := 0; i < len(out); i++ {
		out = append(out, under[out[i]]...)
		delete(under, out[i]) // ends, should the tree ever hold a circle
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Find is the group at the end of a path below the root, and how many of
// the path's levels exist.
func (t Tree) Find(path []string) (id, levels int) { return t.Paths().Find(path) }

// rung is one step down a path of groups: a name right below a parent.
type rung struct {
	parent int
	name   string // folded
}

// Paths finds groups as Find does, which looks at every group for each step:
// for whom has thousands of paths.
type Paths struct{ ids map[rung]int }

// Paths are those of the tree as it is now.
func (t Tree) Paths() Paths { return Paths{t.byName()} }

// Find is Tree.Find.
func (p Paths) Find(path []string) (id, levels int) {
	id = RootGroup
	for _, name := range path {
		below, ok := p.ids[rung{id, FoldName(name)}]
		if !ok {
			break
		}
		id = below
		levels++
	}
	return id, levels
}

// Add makes a new group known.
func (p Paths) Add(g Group) { p.ids[rung{g.Parent, FoldName(g.Name)}] = g.ID }

// byName is for whom Find, which looks at every group, is too slow.
func (t Tree) byName() map[rung]int {
	ids := make(map[rung]int, len(t))
	for _, g := range t {
		ids[rung{g.Parent, FoldName(g.Name)}] = g.ID
	}
	return ids
}

// CheckPlace reports whether group id (0: a new one) may be called name and
// stand under parent: the parent exists, no circle, no tenth level, no sibling
// of that name.
func (t Tree) CheckPlace(id int, name string, parent int) error {
	if err := CheckGroupName("name", name); err != nil {
		return err
	}
	if _, ok := t[parent]; !ok {
		return ErrGroupNotFound
	}
	height := 0
	if id != 0 {
		for _, below := range t.Below(id) {
			if below == parent {
				return InvalidField("parent_id", "circle", "a group can't stand under itself")
			}
			height = max(height, t.Depth(below)-t.Depth(id))
		}
	}
	if t.Depth(parent)+1+height > MaxDepth {
		return InvalidField("parent_id", "too_deep", fmt.Sprintf("groups go %d levels deep", MaxDepth))
	}
	for _, g := range t.Children(parent) {
		if g.ID != id && FoldName(g.Name) == FoldName(name) {
			return ErrNameTaken
		}
	}
	return nil
}
