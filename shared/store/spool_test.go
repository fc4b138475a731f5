package store

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-app/tributary/shared/network"
)

// drawnRow is any row that the roster room may give.
func drawnRow(t *rapid.T) network.RosterRow {
	text := func(name string) string {
		return rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"甲公司", "乙公司", "Acme"}), rapid.StringN(0, 32, -1)).Draw(t, name)
	}
	r := network.RosterRow{Number: rapid.IntRange(1, 1<<20).Draw(t, "number")}
	if rapid.IntRange(0, 4).Draw(t, "refused") == 0 {
		r.Code, r.Field, r.Detail = "phone_invalid", "phone", text("detail")
		return r
	}
	r.Corp, r.Contact, r.Leader, r.CustomID, r.MemberCustomID = text("corp"), text("contact"), rapid.Bool().Draw(t, "leads"), text("custom id"), text("member id")
	r.Phone = rapid.SampledFrom([]string{"+8613900000001", "+85291234567", "+1", "+", "", "+01", "x", "+12345678901234567", "+123456789012345678"}).Draw(t, "phone")
	if n := rapid.IntRange(0, 3).Draw(t, "depth"); n > 0 {
		for range n {
			r.Group = append(r.Group, rapid.SampledFrom([]string{"华东", "华南", "North"}).Draw(t, "group"))
		}
	}
	return r
}

func TestWhatIsSpooledIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	namer := network.NewRowNamer(chainID, personKey)
	var p packer
	u := newUnpacker(chainID)
	defer u.close()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawnRow), 0, 20).Draw(t, "rows")
		ids := make([]network.RowIDs, len(rows))
		for i := range rows {
			ids[i] = namer.IDs(&rows[i])
		}
		packed := p.rows(rows, ids)
		got, err := u.unpack(packed)
		if err != nil || len(got.rows) != len(rows) {
			t.Fatalf("got %d rows %v, want %d", len(got.rows), err, len(rows))
		}
		for i := range rows {
			if !reflect.DeepEqual(got.rows[i], rows[i]) || got.ids[i] != ids[i] {
				t.Fatalf("got %+v of %+v, want %+v of %+v", got.rows[i], got.ids[i], rows[i], ids[i])
			}
		}
		if again := p.rows(rows, ids); !bytes.Equal(again, packed) {
			t.Fatal("the same rows have other bytes the next time")
		}
		// What is damaged is an error, or other rows; never a panic.
		if len(packed) > 0 {
			packed[rapid.IntRange(0, len(packed)-1).Draw(t, "where")] ^= byte(rapid.IntRange(1, 255).Draw(t, "what"))
			u.unpack(packed)
			u.unpack(packed[:rapid.IntRange(0, len(packed)).Draw(t, "length")])
		}
	})
}

func TestWhatIsPlannedIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	var p packer
	id := rapid.Custom(func(t *rapid.T) (id network.RawID) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "id"))
		return id
	})
	rapid.Check(t, func(t *rapid.T) {
		var verdicts []network.Verdict
		var ids []network.RowIDs
		for range rapid.IntRange(0, 20).Draw(t, "rows") {
			its := network.RowIDs{Partner: id.Draw(t, "partner"), Person: id.Draw(t, "person")}
			v := network.Verdict{Outcome: rapid.SampledFrom(outcomes[:]).Draw(t, "outcome")}
			if v.Outcome.Failed() {
				v.Code, v.Field, v.Other = rapid.SampledFrom([]string{"", "too_many_people"}).Draw(t, "code"), "corp_name", rapid.IntRange(0, 1<<20).Draw(t, "other")
				if v.Code == "" {
					v.Field, v.Other = "", 0
				}
			} else {
				v.Partner, v.Person, v.Epoch = its.Partner, its.Person, rapid.IntRange(0, 1000).Draw(t, "epoch")
				v.Opens, v.Makes, v.Revives, v.Adds, v.Places = rapid.Bool().Draw(t, "opens"), rapid.Bool().Draw(t, "makes"), rapid.Bool().Draw(t, "revives"), rapid.Bool().Draw(t, "adds"), rapid.Bool().Draw(t, "places")
				if rapid.Bool().Draw(t, "another's") {
					v.Partner = id.Draw(t, "whose")
				}
			}
			verdicts, ids = append(verdicts, v), append(ids, its)
		}
		packed := p.plan(verdicts, ids)
		got, err := unpackPlan(packed, ids)
		if err != nil || len(got) != len(verdicts) {
			t.Fatalf("got %d verdicts %v, want %d", len(got), err, len(verdicts))
		}
		for i := range verdicts {
			if got[i] != verdicts[i] {
				t.Fatalf("got %+v, want %+v", got[i], verdicts[i])
			}
		}
		if len(packed) > 0 {
			packed[rapid.IntRange(0, len(packed)-1).Draw(t, "where")] ^= byte(rapid.IntRange(1, 255).Draw(t, "what"))
			unpackPlan(packed, nil)
		}
	})
}

// A chunk is one item, of 400 KB at most, however much its rows say.
func TestAChunkOfLongRowsIsCutWhereAnItemEnds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	imp := network.Import{ID: importID(1), Chain: chainID, StartedAt: noon}
	spool := w.Spool(t.Context(), imp, personKey, Run{})
	const rows = 1500
	for i := range rows {
		r := row(i, strings.Repeat("限", 32))
		for n := range network.MaxDepth {
			r.Group = append(r.Group, strings.Repeat(string(rune(0x4e00+(i*7919+n*104729)%20000)), 32))
		}
		must(t, spool.Add(&r))
	}
	must(t, spool.flush())
	if spool.n <= rows/ChunkRows {
		t.Errorf("got %d chunks of %d rows, want more than of short ones", spool.n, rows)
	}
	u := newUnpacker(chainID)
	defer u.close()
	n := 0
	must(t, w.eachRows(t.Context(), imp, 0, spool.n, func(_ int, packed []byte) error {
		c, err := u.unpack(packed)
		n += len(c.rows)
		return err
	}))
	same(t, "rows", n+len(spool.rows), rows)
}

func TestTouchesAreFoundInTheirSegments(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	for _, n := range []int{0, 1, 100, 3 * segment} {
		imp, other := network.Import{ID: importID(n), Chain: chainID, StartedAt: noon}, network.Import{ID: importID(100_000 + n), Chain: chainID, StartedAt: noon}
		var ids []string
		for i := range n {
			ids = append(ids, network.RosterPartnerID(chainID, "", fmt.Sprint("P", i)))
		}
		keep := func(imp network.Import, ids []string, writes bool) importItem {
			p := planning{s: w.Store, ctx: ctx, imp: imp, news: map[key][]network.Verdict{}, planner: network.NewPlanner(imp, network.Tree{}, 0)}
			for _, id := range ids {
				raw, _ := network.RawPartner(id)
				p.planner.Expect(raw)
				if writes {
					p.planner.Withdraws(raw)
				}
			}
			it := importItem{TouchBits: p.touches()}
			for len(p.new) > 0 {
				must(t, p.flush())
			}
			return it
		}
		it := keep(imp, ids, true)
		for i := 0; i < n; i += 1 + n/50 {
			w.tb.Reset()
			found, err := w.touches(ctx, imp, it, []string{ids[i]})
			must(t, err)
			if m := w.tb.Meter(); !found || m.Requests != 1 || m.ReadUnits > 9 {
				t.Fatalf("partner %d of %d: got %t for %+v, want it found in one segment", i, n, found, m)
			}
		}
		found, err := w.touches(ctx, imp, it, []string{network.RosterPartnerID(chainID, "", "nobody"), "co1"})
		must(t, err)
		same(t, "another partner", found, false)
		for _, c := range []struct {
			ids    []string
			writes bool
			want   bool
		}{
			{[]string{network.RosterPartnerID(chainID, "", "nobody")}, true, false}, {ids[:min(n, 1)], false, false}, {ids[n/2:], true, n > 0},
		} {
			keep(other, c.ids, c.writes)
			met, err := w.meet(ctx, imp, it, other.ID)
			must(t, err)
			same(t, fmt.Sprintf("a plan of %d meets one of %d that writes: %t", n, len(c.ids), c.writes), met, c.want)
			_, err = w.dropPartition(ctx, sidePartition(chainID, other.ID))
			must(t, err)
		}
	}
}
