package main

import (
	"net/http"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/store"
	"github.com/tributary-app/tributary/shared/web"
)

// standingJSON is what a page needs to know to ask somebody no more than it
// must: who they are, which corps are theirs, and how far they have come.
type standingJSON struct {
	Chain       *lookChain       `json:"chain,omitempty"` // of who is in it, or has applied: a dead link tells others nothing of it
	Person      personJSON       `json:"person"`
	Corps       []corpJSON       `json:"corps"`
	Memberships []seatJSON       `json:"memberships"`
	Contact     *contactJSON     `json:"contact,omitempty"`     // as whom the roster expects them
	Application *applicationJSON `json:"application,omitempty"` // their newest
	Conflict    *conflictJSON    `json:"conflict,omitempty"`    // theirs as that contact, which an admin is to settle (R23)
	Blocked     bool             `json:"blocked"`               // they want no notices of the chain (R48)
}

type personJSON struct {
	Name  string `json:"name"`
	Phone string `json:"phone"` // masked
}

type corpJSON struct {
	CorpID   string `json:"corp_id"`
	Name     string `json:"name"`
	Eligible bool   `json:"eligible"` // may take part in chains (R04)
}

type seatJSON struct {
	membershipJSON
	CorpName string `json:"corp_name"`
}

type contactJSON struct {
	Name     string    `json:"name"`
	Partner  nameJSON  `json:"partner"`
	Group    *nameJSON `json:"group,omitempty"` // left out: the root
	Declined bool      `json:"declined"`        // they have said no
}

type conflictJSON struct {
	CorpName  string    `json:"corp_name"` // that they have chosen
	CreatedAt time.Time `json:"created_at"`
}

// standing tells the caller how they stand to the invite. It changes nothing
// (R13), and tells nothing of anybody else.
func (j *joins) standing(w http.ResponseWriter, r *http.Request) error {
	ticket, p, err := j.holder(r)
	if err != nil {
		return err
	}
	s, err := j.store.Standing(r.Context(), ticket, p.ID)
	if err != nil {
		return err
	}
	out := standingJSON{Person: personJSON{p.Name, network.MaskPhone(p.Phone)}, Corps: []corpJSON{}, Memberships: []seatJSON{}, Blocked: s.Blocked}
	for _, c := range s.Corps {
		out.Corps = append(out.Corps, corpJSON{c.ID, c.Name, c.Eligible()})
	}
	for _, seat := range s.Memberships {
		out.Memberships = append(out.Memberships, seatJSON{membership(seat), seat.CorpName})
	}
	if s.Named != nil {
		out.Contact = &contactJSON{Name: s.Named.Contact.Name, Partner: nameJSON{s.Named.Partner.Name}, Declined: !s.Named.Contact.DeclinedAt.IsZero()}
		if s.Group != "" {
			out.Contact.Group = &nameJSON{s.Group}
		}
	}
	if d := s.Conflict; d != nil {
		out.Conflict = &conflictJSON{d.CorpName, d.CreatedAt}
	}
	if a := s.Application; a != nil {
		shown := showApplication(*a)
		out.Application = &shown
	}
	if len(out.Memberships) > 0 || out.Application != nil {
		out.Chain = &lookChain{s.Chain.Name, s.Chain.OwnerName}
	}
	return web.JSON(w, http.StatusOK, out)
}

// membership is somebody's place in the chain, as a join has told it.
func membership(s store.Seat) membershipJSON {
	k := s.Contact
	a := network.Admission{Partner: s.Partner, Corp: network.Corp{Name: s.CorpName}}
	return membershipJSON{
		MembershipID: k.MembershipID(), ChainID: k.Chain, PartnerID: k.Partner, CorpID: k.Corp, PersonID: k.Person,
		GroupID: s.Partner.Group, Identity: k.Identity(), NameMismatch: a.NameMismatch(), JoinedAt: k.JoinedAt,
	}
}
