package main

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// invites is the door to a chain's links and QR codes.
type invites struct {
	store  *store.Store
	person network.PersonKey
	tokens network.TokenKeys
	web    string // where people open the pages: <web>/j/<token>
	now    func() time.Time
}

func (i *invites) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/chains/{chain_id}/invites", web.Handler(i.create))
	mux.Handle("GET /v1/chains/{chain_id}/invites", web.Handler(i.list))
	mux.Handle("GET /v1/chains/{chain_id}/invites/{invite_id}", web.Handler(i.get))
	mux.Handle("POST /v1/chains/{chain_id}/invites/{invite_id}/revoke", web.Handler(i.revoke))
	mux.Handle("POST /v1/chains/{chain_id}/invites/{invite_id}/resend", web.Handler(i.resend))
	mux.Handle("POST /v1/chains/{chain_id}/invites/{invite_id}/adopt", web.Handler(i.adopt))
	mux.Handle("POST /v1/chains/{chain_id}/invites/revoke", web.Handler(i.revokeMany))
	mux.Handle("POST /v1/chains/{chain_id}/group-migrations", web.Handler(i.migrate))
	mux.Handle("GET /v1/chains/{chain_id}/group-migrations", web.Handler(i.migrations))
	mux.Handle("GET /v1/chains/{chain_id}/group-migrations/{migration_id}", web.Handler(i.migration))
	mux.Handle("GET /v1/chains/{chain_id}/invites/{invite_id}/poster.svg", web.Handler(i.poster))
	mux.Handle("GET /v1/chains/{chain_id}/invites/{invite_id}/qr.png", web.Handler(i.png))
	mux.Handle("GET /v1/chains/{chain_id}/invites/{invite_id}/qr.svg", web.Handler(i.svg))
	return web.Routes(mux)
}

// actor is who is asking, in the chain that the path names.
func (i *invites) actor(r *http.Request) (network.Actor, error) {
	return caller.Actor(r, i.store, i.person)
}

// by is the store in the actor's hands, for the audit list is of what admins do.
func (i *invites) by(a network.Actor) *store.Store {
	if !a.Admin {
		return i.store
	}
	return i.store.By(a, i.now())
}

// sight is what the actor sees, and may be told of an invite's group.
func (i *invites) sight(r *http.Request, a network.Actor) (*network.Sight, error) {
	return i.store.SightOfGroups(r.Context(), a)
}

// groupOf is where those who come by an invite land, as the reader sees it: a
// group that is kept from them since is the root, where who comes by their invite
// lands then (R08).
func groupOf(c network.Chain, sight *network.Sight, v network.Invite) int {
	if g := c.Landing(v.Group); sight.Group(g) {
		return g
	}
	return network.RootGroup
}

// named is the invite that the path names, and who asks for it. One that
// isn't theirs to see is not there (R36).
func (i *invites) named(r *http.Request) (network.Actor, network.Invite, error) {
	a, err := i.actor(r)
	if err != nil {
		return a, network.Invite{}, err
	}
	id := r.PathValue("invite_id")
	if !network.ValidInviteID(id) {
		return a, network.Invite{}, network.ErrNotFound
	}
	invite, err := i.store.Invite(r.Context(), a.Chain.ID, id)
	if err == nil && !a.MaySeeInvite(invite) {
		err = network.ErrNotFound
	}
	return a, invite, err
}

func (i *invites) get(w http.ResponseWriter, r *http.Request) error {
	a, invite, err := i.named(r)
	if err != nil {
		return err
	}
	return i.answer(w, r, a, invite, i.now())
}

func (i *invites) revoke(w http.ResponseWriter, r *http.Request) error {
	a, invite, err := i.named(r)
	if err != nil {
		return err
	}
	now := i.now()
	if invite, err = i.by(a).RevokeInvite(r.Context(), a.Chain.ID, invite.ID, now); err != nil {
		return err
	}
	return i.answer(w, r, a, invite, now)
}

// resend gives the invite a new token, and its full life anew (R17). Who may make
// it now may resend it: it lets people in as a new one would.
func (i *invites) resend(w http.ResponseWriter, r *http.Request) error {
	a, invite, err := i.named(r)
	if err != nil {
		return err
	}
	if err := i.mayMake(a, invite); err != nil {
		return err
	}
	person := ""
	if invite.Phone != "" {
		person = i.person.Person(invite.Phone)
	}
	now := i.now().Truncate(time.Millisecond) // as it is kept
	if invite, err = i.by(a).Resend(r.Context(), a.Chain.ID, invite.ID, person, now); err != nil {
		return err
	}
	return i.answer(w, r, a, invite, now)
}

// adopt makes the invite the caller's, an admin's (R09).
func (i *invites) adopt(w http.ResponseWriter, r *http.Request) error {
	a, invite, err := i.named(r)
	if err != nil {
		return err
	}
	if err := a.MustAdmin(); err != nil {
		return err
	}
	if !a.Corp.Eligible() {
		return network.ErrCorpNotEligible // R04
	}
	name, err := i.name(r.Context(), a)
	if err != nil {
		return err
	}
	now := i.now()
	if invite, err = i.by(a).Adopt(r.Context(), a, invite.ID, name, now); err != nil {
		return err
	}
	return i.answer(w, r, a, invite, now)
}

// revokeMany revokes the live invites that the caller may see and that are by a
// maker, into a group, or made before a moment (R19): by all that is said at once.
func (i *invites) revokeMany(w http.ResponseWriter, r *http.Request) error {
	a, err := i.actor(r)
	if err != nil {
		return err
	}
	var req struct {
		Maker   *string    `json:"maker"`
		GroupID *int       `json:"group_id"`
		Before  *time.Time `json:"before"`
	}
	if err := web.Read(r, &req); err != nil {
		return err
	}
	switch {
	case req.Maker == nil && req.GroupID == nil && req.Before == nil:
		return network.InvalidField("maker", "missing", "Say which: by a maker, of a group_id, or from before a moment.")
	case req.Maker != nil && !network.ValidPersonID(*req.Maker):
		return network.InvalidField("maker", "not_allowed", "maker is a person's id")
	case req.GroupID != nil && *req.GroupID < network.RootGroup:
		return network.InvalidField("group_id", "out_of_range", "groups count from 1")
	case req.Before != nil && req.Before.UnixMilli() < 0: // a time that was never set among them, which is no wish to end all
		return network.InvalidField("before", "out_of_range", "nothing is from before 1970")
	}
	var sight *network.Sight
	if req.GroupID != nil {
		if sight, err = i.sight(r, a); err != nil {
			return err
		}
	}
	which := store.Sought{And: func(v network.Invite) bool {
		return a.MaySeeInvite(v) && (req.GroupID == nil || groupOf(a.Chain, sight, v) == *req.GroupID)
	}}
	if req.Maker != nil {
		which.Maker = *req.Maker
	}
	if req.Before != nil {
		which.Before = *req.Before
	}
	var revoked int
	var more, some bool
	if which.Maker, some = ofMaker(a, which.Maker); some {
		revoked, more, err = i.by(a).RevokeMany(r.Context(), a.Chain, which, i.now())
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct {
		Revoked int  `json:"revoked"`
		More    bool `json:"more"` // some are left: ask again
	}{revoked, more})
}

// list lists the invites that the caller may see, newest first: of others'
// neither the page nor its cursor tells.
func (i *invites) list(w http.ResponseWriter, r *http.Request) error {
	a, err := i.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "state", "maker", "group_id", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	state, err := q.OneOf("state", string(network.InviteLive), string(network.InviteExpired), string(network.InviteRevoked), string(network.InviteExhausted))
	if err != nil {
		return err
	}
	group, err := q.Int("group_id", 0)
	if err != nil {
		return err
	}
	if q.Get("group_id") != "" && group < network.RootGroup {
		return network.InvalidField("group_id", "out_of_range", "groups count from 1")
	}
	maker := q.Get("maker")
	if maker != "" && !network.ValidPersonID(maker) {
		return network.InvalidField("maker", "not_allowed", "maker is a person's id")
	}
	maker, some := ofMaker(a, maker)
	if !some {
		return web.List(w, []inviteJSON{}, "")
	}
	cursor, err := i.person.Open(a.Chain.ID, q.Cursor())
	if err != nil {
		return err
	}
	sight, err := i.sight(r, a)
	if err != nil {
		return err
	}
	now := i.now()
	page, next, err := i.store.Invites(r.Context(), a.Chain, store.Sought{
		Maker: maker, State: network.InviteState(state),
		And: func(v network.Invite) bool {
			return a.MaySeeInvite(v) && (group == 0 || groupOf(a.Chain, sight, v) == group)
		},
	}, cursor, limit, now)
	if err != nil {
		return err
	}
	items := make([]inviteJSON, len(page))
	for n, v := range page {
		if items[n], err = i.view(a.Chain, groupOf(a.Chain, sight, v), v, now); err != nil {
			return err
		}
	}
	return web.List(w, items, i.person.Seal(a.Chain.ID, next))
}

// ofMaker is whose invites somebody is shown who asks for maker's, "" for any: who
// is no admin sees their own alone. ok is whether there can be any.
func ofMaker(a network.Actor, maker string) (whose string, ok bool) {
	if a.Admin {
		return maker, true
	}
	return a.Person.ID, maker == "" || maker == a.Person.ID
}

// answer is an invite as the actor may see it.
func (i *invites) answer(w http.ResponseWriter, r *http.Request, a network.Actor, v network.Invite, now time.Time) error {
	sight, err := i.sight(r, a)
	if err != nil {
		return err
	}
	view, err := i.view(a.Chain, groupOf(a.Chain, sight, v), v, now)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, view)
}

// inviteJSON is an invite as its maker and the chain's admins read it. It
// holds the token: it is never logged.
type inviteJSON struct {
	InviteID  string              `json:"invite_id"`
	Kind      string              `json:"kind"`
	URL       string              `json:"url"`
	Token     string              `json:"token"`
	GroupID   int                 `json:"group_id"`
	MaxUses   *int                `json:"max_uses"` // null: without limit
	Uses      int                 `json:"uses"`
	State     network.InviteState `json:"state"`
	Phone     string              `json:"phone,omitempty"`
	CorpID    string              `json:"corp_id,omitempty"`
	Note      string              `json:"note,omitempty"`
	CreatedAt time.Time           `json:"created_at"`
	ResentAt  *time.Time          `json:"resent_at,omitempty"`
	Adoptable bool                `json:"adoptable,omitempty"` // was revoked because its maker went (R09)
	ExpiresAt time.Time           `json:"expires_at"`
	Inviter   inviterJSON         `json:"inviter"`
	QR        qrJSON              `json:"qr"`
}

type inviterJSON struct {
	PersonID string `json:"person_id"`
	Name     string `json:"name"`
}

type qrJSON struct {
	PNG    string `json:"png"`
	SVG    string `json:"svg"`
	Poster string `json:"poster"`
}

func (i *invites) view(c network.Chain, group int, v network.Invite, now time.Time) (inviteJSON, error) {
	token, err := i.token(v)
	if err != nil {
		return inviteJSON{}, err
	}
	at := "/v1/chains/" + c.ID + "/invites/" + v.ID
	out := inviteJSON{
		InviteID: v.ID, Kind: v.Kind, URL: i.url(token), Token: token.Reveal(),
		GroupID: group, Uses: v.Uses, State: v.State(c, now),
		Phone: v.Phone, CorpID: v.Corp, Note: v.Note,
		CreatedAt: v.CreatedAt, ExpiresAt: v.ExpiresAt(c),
		Inviter: inviterJSON{v.Maker, v.MakerName},
		QR:      qrJSON{PNG: at + "/qr.png", SVG: at + "/qr.svg", Poster: at + "/poster.svg"},
	}
	if !v.ResentAt.IsZero() {
		out.ResentAt = &v.ResentAt
	}
	if v.Orphaned {
		alive := v
		alive.RevokedAt = time.Time{}
		out.Adoptable = alive.State(c, now) == network.InviteLive
	}
	if v.MaxUses > 0 {
		out.MaxUses = &v.MaxUses
	}
	return out, nil
}

func (i *invites) token(v network.Invite) (network.Token, error) {
	return i.tokens.Sign(v.Ticket())
}

// url is the page that a person opens.
func (i *invites) url(t network.Token) string { return i.web + "/j/" + t.Reveal() }
