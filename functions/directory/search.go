package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/feed"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// search finds partners and their people among those whom the caller may see.
func (d *directory) search(w http.ResponseWriter, r *http.Request) error {
	a, err := d.actor(r)
	if err != nil {
		return err
	}
	p, err := web.Query(r, "q", "limit", "cursor", "as", "as_corp")
	if err != nil {
		return err
	}
	text, err := searchText(p.Get("q"))
	if err != nil {
		return err
	}
	limit, err := p.Limit()
	if err != nil {
		return err
	}
	if a, err = caller.View(r, d.store, a, p, "search", d.now()); err != nil {
		return err
	}
	after, err := d.searchedTo(a.Cursors(), text, p.Cursor())
	if err != nil {
		return err
	}
	sight, err := d.store.Sight(r.Context(), a)
	if err != nil {
		return err
	}
	x, stale, err := d.indexes.of(r.Context(), a.Chain.ID, !a.Admin)
	if errors.Is(err, errNoIndex) {
		if err := d.store.AskRebuild(r.Context(), a.Chain.ID, d.now()); err != nil {
			return err
		}
		return d.searchTable(w, r, a, sight, text, limit)
	}
	if err != nil {
		return err
	}
	defer x.release()
	if stale {
		if err := d.store.AskRebuild(r.Context(), a.Chain.ID, d.now()); err != nil {
			slog.ErrorContext(r.Context(), "index not asked for", "chain", a.Chain.ID, "err", err) // the answer is there nevertheless
		}
	}
	hits, next, err := find(&x.base, a, sight, text, limit, after)
	switch {
	case errors.Is(err, search.ErrCursor):
		return network.ErrCursor
	case errors.Is(err, search.ErrQuery): // of signs alone: nobody is called so
		hits, next = nil, ""
	case err != nil:
		return err
	}
	out := searchJSON{Items: make([]foundJSON, 0, len(hits)), Stale: stale}
	for _, h := range hits {
		out.Items = append(out.Items, d.found(a, h))
	}
	if next != "" {
		sealed := d.person.Seal(a.Cursors(), searchCursor(text, next))
		out.NextCursor = &sealed
	}
	return web.JSON(w, http.StatusOK, out)
}

// maxQuery is how many characters a query may have: names have no more.
const maxQuery = 64

func searchText(q string) (string, error) {
	switch {
	case strings.TrimSpace(q) == "":
		return "", network.InvalidField("q", "missing", "Say what to look for.")
	case len(q) > maxQuery*utf8.UTFMax || utf8.RuneCountInString(q) > maxQuery:
		return "", network.InvalidField("q", "too_long", "At most 64 characters.")
	case !utf8.ValidString(q) || strings.IndexFunc(q, unicode.IsControl) >= 0:
		return "", network.InvalidField("q", "bad_character", "Letters, digits and signs of one line only.")
	}
	return strings.TrimSpace(q), nil
}

// A cursor is of its query, and of no other list.
func searchCursor(text, after string) string { return "search\x00" + text + "\x00" + after }

func (d *directory) searchedTo(whose, text, cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	opened, err := d.person.Open(whose, cursor)
	if err != nil {
		return "", err
	}
	after, ok := strings.CutPrefix(opened, searchCursor(text, ""))
	if !ok {
		return "", network.ErrCursor
	}
	return after, nil
}

// sees is whom search shows by a sight (R35): of the people of partners that it
// shows, to others than the owner's who has joined alone (R03). From an admin
// nothing is kept, so for them no place is looked up.
func sees(a network.Actor, sight *network.Sight, base *feed.Base) func(*search.Entry) bool {
	if a.Admin {
		return nil
	}
	return func(e *search.Entry) bool {
		if e.Person == "" {
			return sight.PartnerAt(e.Partner, e.Group, e.State)
		}
		group, state := base.Place(e.Partner)
		return sight.Contact(network.Partner{ID: e.Partner, Group: group, State: state}, network.Contact{JoinedAt: e.JoinedAt})
	}
}

// find is a page of what the actor may find.
func find(base *feed.Base, a network.Actor, sight *network.Sight, text string, limit int, after string) (hits []search.Hit, next string, err error) {
	next = after
	for {
		var page []search.Hit
		page, next, err = base.Index.Find(search.Query{Text: text, Sees: sees(a, sight, base), Phones: a.Admin, Limit: limit - len(hits), After: next})
		if err != nil {
			return nil, "", err
		}
		for _, h := range page {
			if a.Side == network.Owner {
				hits = append(hits, h)
				continue
			}
			// What the owner's people call a partner isn't for partners, not to find it by either (R08).
			if h.Field == search.FieldAlias || h.Field == search.FieldCustomID {
				e := h.Entry
				e.Alias, e.CustomID = "", ""
				named, _, err := search.New(slices.Values([]search.Entry{e})).Find(search.Query{Text: text, Limit: 1})
				if err != nil {
					return nil, "", err
				}
				hits = append(hits, named...)
				continue
			}
			hits = append(hits, h)
		}
		if next == "" || len(hits) >= limit {
			return hits, next, nil
		}
	}
}

type searchJSON struct {
	Items      []foundJSON `json:"items"`
	NextCursor *string     `json:"next_cursor"`
	Stale      bool        `json:"stale,omitempty"`   // the newest changes may be missing
	Partial    string      `json:"partial,omitempty"` // "prefix": the index is being made, so partners are found by how their names begin
}

// foundJSON is a partner or a person of one, and which runes of which of its
// texts were meant.
type foundJSON struct {
	Kind    string            `json:"kind"`
	Partner *foundPartnerJSON `json:"partner,omitempty"`
	Contact *foundContactJSON `json:"contact,omitempty"`
	Field   search.Field      `json:"field"`
	Matched [][2]int          `json:"matched"`
}

type foundPartnerJSON struct {
	PartnerID string               `json:"partner_id"`
	Name      string               `json:"name"`
	Alias     string               `json:"alias"`
	CustomID  string               `json:"custom_id"`
	GroupID   int                  `json:"group_id"`
	State     network.PartnerState `json:"state"`
	JoinedAt  *time.Time           `json:"joined_at"`
}

type foundContactJSON struct {
	ContactID string     `json:"contact_id"`
	PersonID  string     `json:"person_id,omitempty"` // for admins, who read the phone too
	PartnerID string     `json:"partner_id"`
	Name      string     `json:"name"`
	Phone     string     `json:"phone"`
	JoinedAt  *time.Time `json:"joined_at"`
}

func (d *directory) found(a network.Actor, h search.Hit) foundJSON {
	e := h.Entry
	out := foundJSON{Kind: "partner", Field: h.Field, Matched: h.Matched}
	if e.Person != "" {
		out.Kind = "contact"
		out.Contact = &foundContactJSON{ContactID: d.person.Contact(a.Chain.ID, e.Person), PartnerID: e.Partner, Name: e.Name, Phone: e.Phone, JoinedAt: moment(e.JoinedAt)}
		if a.Admin {
			out.Contact.PersonID = e.Person
		}
		if !a.SeesPhone(e.Person, e.Partner) {
			out.Contact.Phone = network.MaskPhone(e.Phone)
		}
		return out
	}
	out.Partner = foundPartner(a, network.Partner{ID: e.Partner, Name: e.Name, Alias: e.Alias, CustomID: e.CustomID, Group: e.Group, State: e.State, JoinedAt: e.JoinedAt})
	return out
}

// foundPartner is a partner as the actor may see it: what the owner's people
// call it, and the groups but the caller's own, are not for partners (R08).
func foundPartner(a network.Actor, p network.Partner) *foundPartnerJSON {
	out := &foundPartnerJSON{p.ID, p.Name, p.Alias, p.CustomID, a.Chain.Landing(p.Group), p.State, moment(p.JoinedAt)}
	if a.Side != network.Owner {
		out.Alias, out.CustomID = "", ""
		if p.ID != a.Contact.Partner {
			out.GroupID = network.RootGroup
		}
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// prefixPages is how many pages of partners are looked through while there is
// no index.
const prefixPages = 4

// searchTable answers while the index is being made: by how partners' names
// begin, among the first that the table lists.
func (d *directory) searchTable(w http.ResponseWriter, r *http.Request, a network.Actor, sight *network.Sight, text string, limit int) error {
	out := searchJSON{Items: []foundJSON{}, Partial: "prefix"}
	folded := network.FoldName(text)
	each := func(p network.Partner) {
		if len(out.Items) < limit && sight.Partner(p) && strings.HasPrefix(network.FoldName(p.Name), folded) {
			out.Items = append(out.Items, foundJSON{Kind: "partner", Partner: foundPartner(a, p), Field: search.FieldName, Matched: [][2]int{}})
		}
	}
	if err := d.eachPartner(r.Context(), a, sight, each); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// eachPartner goes through the first partners that the actor sees; of who is kept
// from them it passes nobody, so how far it comes tells nothing of those (R36).
func (d *directory) eachPartner(ctx context.Context, a network.Actor, sight *network.Sight, each func(network.Partner)) error {
	if a.Side != network.Owner && !a.Chain.PartnersSeeAnother {
		own, err := d.store.Partner(ctx, a.Chain.ID, a.Contact.Partner)
		if err == nil {
			each(own)
		}
		return err
	}
	q := store.PartnerQuery{Limit: 200}
	if a.Side != network.Owner {
		q.State = network.PartnerJoined
	}
	groups := sight.Among(nil)
	if groups == nil {
		groups = []int{0} // all
	}
	for range prefixPages {
		if len(groups) == 0 {
			break
		}
		q.Group = groups[0]
		page, next, err := store.Seen(sight, q, func(q store.PartnerQuery) ([]network.Partner, string, error) {
			return d.store.Partners(ctx, a.Chain.ID, q)
		})
		if err != nil {
			return err
		}
		for _, p := range page {
			each(p)
		}
		if q.Cursor = next; next == "" {
			groups = groups[1:]
		}
	}
	return nil
}
