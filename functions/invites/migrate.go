package main

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/caller"
	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

// wechatGroup is a WeChat group as its owner brings it.
type wechatGroup struct {
	GroupName     string   `json:"group_name"`
	Owner         string   `json:"owner"` // their person_id or phone
	CustomerGroup bool     `json:"customer_group"`
	Members       []member `json:"members"`
}

type member struct {
	Name      string  `json:"name"`
	Phone     *string `json:"phone"`
	WechatRef string  `json:"wechat_ref"`
	IsMember  bool    `json:"is_member"`
}

// migrate brings a WeChat group to the chain (R45): those of its people who aren't
// in get an invite and a notice, at most one a chain a day.
func (i *invites) migrate(w http.ResponseWriter, r *http.Request) error {
	a, err := i.actor(r)
	if err != nil {
		return err
	}
	var req wechatGroup
	if err := web.ReadList(r, &req); err != nil {
		return err
	}
	once, err := caller.Once(r, a.Person.ID, a.Corp.ID, "group-migration", i.now())
	if err != nil {
		return err
	}
	if req.Owner == "" {
		return network.InvalidField("owner", "missing", "Name the group's owner: a person_id or phone.")
	}
	if phone, _ := network.ParsePhone(web.Tidy(req.Owner)); req.Owner != a.Person.ID && phone != a.Person.Phone {
		return network.ErrDenied // R45: the group's owner alone
	}
	if req.CustomerGroup {
		return network.ErrCustomerGroup
	}
	m := network.Migration{
		ID: network.NewMigrationID(once.Now), Chain: a.Chain.ID, GroupName: web.Tidy(req.GroupName),
		Owner: a.Person.ID, OwnerCorp: a.Corp.ID, CreatedAt: once.Now, Members: make([]network.Migrant, len(req.Members)),
	}
	for n, k := range req.Members {
		m.Members[n] = i.migrant(k)
	}
	if err := m.Check(); err != nil {
		return err
	}
	v := network.Invite{
		ID: network.NewInviteID(once.Now), Chain: a.Chain.ID, Kind: network.KindMigration, Maker: a.Person.ID, MakerCorp: a.Corp.ID,
		CreatedAt: once.Now, Version: 1,
	}
	if a.Contact != nil {
		v.MakerPartner = a.Contact.Partner
	}
	if a.Side == network.Guest && !a.Chain.PartnersMayInvite {
		v.Corp = a.Corp.ID // R07
	}
	if err := i.mayMake(a, v); err != nil {
		return err
	}
	if v.Group, err = i.group(r.Context(), a, nil); err != nil {
		return err
	}
	if v.MakerName, err = i.name(r.Context(), a); err != nil {
		return err
	}
	m.OwnerName, m.Invite = v.MakerName, v.ID
	m, again, err := i.store.Migrate(r.Context(), a.Chain, m, v, once)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if again {
		status = http.StatusOK
	}
	view, err := i.viewMigration(r, a, m)
	if err != nil {
		return err
	}
	return web.JSON(w, status, view)
}

func (i *invites) migrant(k member) network.Migrant {
	out := network.Migrant{Name: web.Tidy(k.Name), WechatRef: k.WechatRef, IsMember: k.IsMember}
	if k.Phone == nil || web.Tidy(*k.Phone) == "" {
		return out
	}
	phone, ok := network.ParsePhone(web.Tidy(*k.Phone))
	if !ok {
		out.Outcome = network.MigrantInvalidPhone
		return out
	}
	out.Phone, out.Person = phone, i.person.Person(phone)
	return out
}

// migrationJSON is a migrated group. Members are in the order that they were
// given in, and left out of lists.
type migrationJSON struct {
	MigrationID string                         `json:"migration_id"`
	GroupName   string                         `json:"group_name"`
	Owner       inviterJSON                    `json:"owner"`
	InviteID    string                         `json:"invite_id"`
	URL         string                         `json:"url,omitempty"` // to pass on
	CreatedAt   time.Time                      `json:"created_at"`
	Counts      map[network.MigrantOutcome]int `json:"counts,omitempty"`
	Members     []migrantJSON                  `json:"members,omitempty"`
}

type migrantJSON struct {
	Name      string                 `json:"name"`
	Phone     string                 `json:"phone,omitempty"` // masked
	WechatRef string                 `json:"wechat_ref,omitempty"`
	Outcome   network.MigrantOutcome `json:"outcome"`
}

// showMigration leaves out who of the group is in the chain, or has been told of
// it, for whoever may be kept from some of its partners (R36): to them all are
// invited alike.
func showMigration(m network.Migration, sight *network.Sight) migrationJSON {
	out := migrationJSON{
		MigrationID: m.ID, GroupName: m.GroupName, Owner: inviterJSON{m.Owner, m.OwnerName}, InviteID: m.Invite, CreatedAt: m.CreatedAt,
	}
	if len(m.Members) == 0 {
		return out
	}
	out.Counts = map[network.MigrantOutcome]int{}
	for _, k := range m.Members {
		if sight.Restricted() && (k.Outcome == network.MigrantJoined || k.Outcome == network.MigrantToldToday) {
			k.Outcome = network.MigrantInvited
		}
		shown := migrantJSON{Name: k.Name, WechatRef: k.WechatRef, Outcome: k.Outcome}
		if k.Phone != "" {
			shown.Phone = network.MaskPhone(k.Phone)
		}
		out.Counts[k.Outcome]++
		out.Members = append(out.Members, shown)
	}
	return out
}

// viewMigration shows the group with the link as it is now: a resend has changed
// it since (R17).
func (i *invites) viewMigration(r *http.Request, a network.Actor, m network.Migration) (migrationJSON, error) {
	sight, err := i.store.Sight(r.Context(), a)
	if err != nil {
		return migrationJSON{}, err
	}
	out := showMigration(m, sight)
	v, err := i.store.Invite(r.Context(), m.Chain, m.Invite)
	if err != nil {
		return out, err
	}
	token, err := i.token(v)
	out.URL = i.url(token)
	return out, err
}

// mayRead reports whether the actor may read of the migration: who brought the
// group, and the chain's admins.
func mayRead(a network.Actor, m network.Migration) bool {
	return a.Admin || m.Owner == a.Person.ID && m.OwnerCorp == a.Corp.ID
}

func (i *invites) migration(w http.ResponseWriter, r *http.Request) error {
	a, err := i.actor(r)
	if err != nil {
		return err
	}
	id := r.PathValue("migration_id")
	if !network.ValidMigrationID(id) {
		return network.ErrNotFound
	}
	m, err := i.store.Migration(r.Context(), a.Chain.ID, id)
	if err != nil {
		return err
	}
	if !mayRead(a, m) {
		return network.ErrNotFound
	}
	view, err := i.viewMigration(r, a, m)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, view)
}

func (i *invites) migrations(w http.ResponseWriter, r *http.Request) error {
	a, err := i.actor(r)
	if err != nil {
		return err
	}
	q, err := web.Query(r, "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	cursor, err := i.person.Open(a.Chain.ID, q.Cursor())
	if err != nil {
		return err
	}
	page, next, err := i.store.Migrations(r.Context(), a.Chain.ID, cursor, limit, func(m network.Migration) bool { return mayRead(a, m) })
	if err != nil {
		return err
	}
	items := make([]migrationJSON, len(page))
	for n, m := range page {
		items[n] = showMigration(m, nil) // without its members
	}
	return web.List(w, items, i.person.Seal(a.Chain.ID, next))
}
