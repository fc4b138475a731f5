package network_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tributary-app/tributary/shared/network"
)

// noon is the moment at which the tests' things were made.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

var (
	keys      = network.TokenKeys{1: []byte("the first key, for the tests")}
	personKey = network.PersonKey("for the tests")
)

// policies is a history that begins at noon with open and then alternates.
func policies(changes ...time.Duration) []network.PolicyChange {
	h := []network.PolicyChange{{At: noon, Policy: network.Open}}
	for _, after := range changes {
		next := network.ImportedOnly
		if h[len(h)-1].Policy == next {
			next = network.Open
		}
		h = append(h, network.PolicyChange{At: noon.Add(after), Policy: next})
	}
	return h
}

// chainWith is a chain of a corp of its own, with a history.
func chainWith(history []network.PolicyChange) network.Chain {
	c, err := network.NewChain(network.NewChainID(), "dealers", network.Corp{ID: network.NewCorpID(), Name: "Owner"}, noon)
	if err != nil {
		panic(err)
	}
	c.Policies = history
	return c
}

// want fails unless err is the wanted reason; nil wants none.
func want(t interface {
	Helper()
	Errorf(string, ...any)
}, got, want error) {
	t.Helper()
	if (want == nil) != (got == nil) || want != nil && !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

// badField is the code of the first field that an error names, "" for none.
func badField(err error) string {
	if e, ok := errors.AsType[*network.Error](err); ok && len(e.Fields) > 0 {
		return e.Fields[0].Field + " " + e.Fields[0].Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestAnErrorIsItsCodeHoweverItIsWrapped(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("join: %w", network.ErrInviteExpired)
	want(t, err, network.ErrInviteExpired)
	if errors.Is(err, network.ErrInviteRevoked) {
		t.Error("an expired invite is also a revoked one")
	}
	if k, c := network.KindOf(err), network.CodeOf(err); k != network.Gone || c != "invite_expired" {
		t.Errorf("got %s %s, want gone invite_expired", k, c)
	}
	if k, c := network.KindOf(errors.New("disk")), network.CodeOf(errors.New("disk")); k != network.Internal || c != "internal" {
		t.Errorf("got %s %s of an unknown error, want internal internal", k, c)
	}
	if got, want := network.InvalidField("name", "too_long", "is too long").Error(), "invalid: name too_long"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnEventReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, e := range []network.Event{
		{},
		{ID: "1", Kind: network.RosterImported, Chain: "ch", Import: "im", Chunk: 7},
		{ID: "2", Kind: network.Joined, Chain: "ch", Invite: "in", Partner: "pa", Person: "pe", Corp: "co", First: true},
		{ID: "3", Kind: network.RosterEnded, Chain: "ch", Count: 1 << 20},
	} {
		got, err := network.DecodeEvent(e.Encode())
		if err != nil || got != e {
			t.Errorf("got %+v, %v, want %+v", got, err, e)
		}
	}
	if _, err := network.DecodeEvent("{"); err == nil {
		t.Error("half an event is read as a whole one")
	}
}
