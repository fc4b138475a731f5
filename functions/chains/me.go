package main

import (
	"errors"
	"net/http"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/web"
)

type meJSON struct {
	PersonID *string       `json:"person_id"`
	Name     string        `json:"name"`
	Phone    string        `json:"phone"`
	Corps    []myCorp      `json:"corps"`
	Chains   []chainOfMine `json:"chains"`
}

type myCorp struct {
	CorpID       string           `json:"corp_id"`
	Name         string           `json:"name"`
	Role         network.Role     `json:"role"`
	Verification int              `json:"verification"`
	Industry     network.Industry `json:"industry"`
}

type chainOfMine struct {
	ChainID string       `json:"chain_id"`
	Name    string       `json:"name"`
	CorpID  string       `json:"corp_id"`
	Side    network.Side `json:"side"`
}

// me is who is asking. It alone answers somebody whose phone isn't verified:
// they have to learn it somewhere.
func (c *chains) me(w http.ResponseWriter, r *http.Request) error {
	claims, err := web.Identity(r)
	if err != nil {
		return err
	}
	me := meJSON{Name: claims.Name, Corps: []myCorp{}, Chains: []chainOfMine{}}
	p, err := web.Person(r, c.key)
	if errors.Is(err, network.ErrPhoneNotVerified) {
		return web.JSON(w, http.StatusOK, me)
	}
	if err != nil {
		return err
	}
	mine, err := c.store.Me(r.Context(), p.ID)
	if err != nil {
		return err
	}
	me.PersonID, me.Phone = &p.ID, p.Phone
	for _, m := range mine.Corps {
		me.Corps = append(me.Corps, myCorp{m.Corp.ID, m.Corp.Name, m.Role, m.Corp.Verification, m.Corp.Industry})
	}
	for _, p := range mine.Chains {
		me.Chains = append(me.Chains, chainOfMine{p.Chain.ID, p.Chain.Name, p.Corp, p.Side})
	}
	return web.JSON(w, http.StatusOK, me)
}

// eraseMe takes away what is held of who is asking as a person. Refused, by
// last_admin with the corps' ids, it has changed nothing (R06). Again is no
// change; who is in very many places is asked to come again (503), and goes on.
func (c *chains) eraseMe(w http.ResponseWriter, r *http.Request) error {
	p, err := web.Person(r, c.key)
	if err != nil {
		return err
	}
	if err := c.store.Erase(r.Context(), p.ID, c.now()); err != nil {
		return err
	}
	return done(w)
}
