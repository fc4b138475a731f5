package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// minSecret is what a secret must weigh: 32 characters, as the template
// generates them. A shorter one was typed by somebody.
const minSecret = 32

// Keys are the secrets of this deployment that the domain works with.
type Keys struct {
	Tokens network.TokenKeys
	Person network.PersonKey
}

// Keys fetches what TOKEN_KEYS and PERSON_KEY name, both at once, for a door
// that starts is a door that somebody waits for.
func (p *Platform) Keys(ctx context.Context) (Keys, error) {
	var k Keys
	done := make(chan error)
	go func() {
		var err error
		k.Person, err = p.PersonKey(ctx)
		done <- err
	}()
	var err error
	k.Tokens, err = p.TokenKeys(ctx)
	if err := errors.Join(err, <-done); err != nil {
		return Keys{}, err
	}
	return k, nil
}

// TokenKeys fetches the keys of invite tokens: {"1":"<random>","2":"…"}, of
// which the highest signs and all verify.
func (p *Platform) TokenKeys(ctx context.Context) (network.TokenKeys, error) {
	return p.numberedKeys(ctx, "TOKEN_KEYS")
}

// SessionKeys fetches the keys that the page's cookies are sealed with, in the
// same form: the highest seals, all open.
func (p *Platform) SessionKeys(ctx context.Context) (map[byte][]byte, error) {
	return p.numberedKeys(ctx, "SESSION_KEYS")
}

func (p *Platform) numberedKeys(ctx context.Context, variable string) (map[byte][]byte, error) {
	b, err := p.Secret(ctx, variable)
	if err != nil {
		return nil, err
	}
	var byID map[string]string
	if err := json.Unmarshal(b, &byID); err != nil {
		return nil, fmt.Errorf("%s: not a JSON object of strings", variable) // never what it is
	}
	keys := map[byte][]byte{}
	for id, key := range byID {
		n, err := strconv.ParseUint(id, 10, 8)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != id {
			return nil, fmt.Errorf("%s: a key's id is not 1 to 255", variable)
		}
		if len(key) < minSecret {
			return nil, fmt.Errorf("%s: key %d is shorter than %d characters", variable, n, minSecret)
		}
		keys[byte(n)] = []byte(key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: no key", variable)
	}
	return keys, nil
}

// PersonKey fetches the key that names people by their phones.
func (p *Platform) PersonKey(ctx context.Context) (network.PersonKey, error) {
	b, err := p.Secret(ctx, "PERSON_KEY")
	if err == nil && len(b) < minSecret {
		err = fmt.Errorf("PERSON_KEY: shorter than %d characters", minSecret)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Secret fetches the secret that a variable names: by an ARN from Secrets
// Manager, by file:/abs/path from a file. White space around it is no part
// of it.
func (p *Platform) Secret(ctx context.Context, variable string) ([]byte, error) {
	ref := p.Env(variable)
	var b []byte
	switch path, isFile := strings.CutPrefix(ref, "file:"); {
	case isFile:
		var err error
		if b, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
	case strings.HasPrefix(ref, "arn:"):
		var err error
		if b, err = p.fromVault(ctx, ref); err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
	default:
		return nil, fmt.Errorf("%s: neither an ARN nor file:/path", variable) // not quoted: it may be the secret itself
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return nil, fmt.Errorf("%s: the secret is empty", variable)
	}
	return b, nil
}
