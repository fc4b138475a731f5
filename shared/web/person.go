package web

import (
	"net/http"

	"github.com/tributary-app/tributary/shared/network"
)

// Person is who is asking, as everything behind the doors knows them: by
// their verified phone. ErrUnauthenticated without a sign-in,
// ErrPhoneNotVerified without such a phone.
func Person(r *http.Request, key network.PersonKey) (network.Person, error) {
	c, err := Identity(r)
	if err != nil {
		return network.Person{}, err
	}
	phone, ok := network.ParsePhone(c.Phone)
	if !ok || !c.PhoneVerified {
		return network.Person{}, network.ErrPhoneNotVerified.At("phone")
	}
	return network.Person{ID: key.Person(phone), Name: c.Name, Phone: phone}, nil
}
