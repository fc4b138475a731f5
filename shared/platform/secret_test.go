package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const random = "0123456789abcdef0123456789abcdef" // 32 characters

// secret writes a file and answers what names it in the environment.
func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

// refused holds that err names the variable and quotes nothing of the secret.
func refused(t *testing.T, err error, variable, want, text string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), variable+": ") || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s: %s", err, variable, want)
	}
	if err != nil && len(text) > 3 && strings.Contains(err.Error(), text) {
		t.Errorf("the error quotes the secret: %v", err)
	}
}

func TestTokenKeysAreNumbered1To255(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"1":"` + random + `"}`:                                 "",
		` {"1":"` + random + `","255":"` + random + `x"}` + "\n": "",
		`{"1":"` + strings.Repeat("钥", 11) + `"}`:                "", // 33 bytes
		`{"0":"` + random + `"}`:                                 "not 1 to 255",
		`{"256":"` + random + `"}`:                               "not 1 to 255",
		`{"01":"` + random + `"}`:                                "not 1 to 255",
		`{"+1":"` + random + `"}`:                                "not 1 to 255",
		`{"-1":"` + random + `"}`:                                "not 1 to 255",
		`{" 1":"` + random + `"}`:                                "not 1 to 255",
		`{"1.0":"` + random + `"}`:                               "not 1 to 255",
		`{"":"` + random + `"}`:                                  "not 1 to 255",
		`{"key":"` + random + `"}`:                               "not 1 to 255",
		`{"1":"` + random + `","x":"` + random + `"}`:            "not 1 to 255",
		`{"1":"` + random[1:] + `"}`:                             "key 1 is shorter than 32",
		`{"1":"` + random + `","2":""}`:                          "key 2 is shorter than 32",
		`{"1":null}`:                                             "key 1 is shorter than 32",
		`{"1":1234567890123456789012345678901234}`:               "not a JSON object of strings",
		`{"1":["` + random + `"]}`:                               "not a JSON object of strings",
		`["` + random + `"]`:                                     "not a JSON object of strings",
		`{"1":"` + random + `"`:                                  "not a JSON object of strings",
		`{"1":"` + random + `"}{}`:                               "not a JSON object of strings",
		random:                                                   "not a JSON object of strings",
		`{}`:                                                     "no key",
		`null`:                                                   "no key",
		"":                                                       "empty",
		" \n":                                                    "empty",
	} {
		keys, err := found(t, "TOKEN_KEYS="+secret(t, text)).TokenKeys(t.Context())
		if want != "" {
			if keys != nil {
				t.Errorf("%s: got keys", text)
			}
			refused(t, err, "TOKEN_KEYS", want, text)
			continue
		}
		var byID map[string]string
		if err := json.Unmarshal([]byte(text), &byID); err != nil {
			t.Fatal(err)
		}
		if err != nil || len(keys) != len(byID) {
			t.Errorf("%s: got %d keys, %v", text, len(keys), err)
		}
		for id, key := range keys {
			if want := byID[fmt.Sprint(id)]; string(key) != want {
				t.Errorf("key %d is %q, want %q", id, key, want)
			}
		}
	}
}

func TestThePersonKeyIsTheWholeTextWithoutWhiteSpaceAroundIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		random:                       random,
		random + "\n":                random,
		"\t " + random + " more\r\n": random + " more",
	} {
		if got, err := found(t, "PERSON_KEY="+secret(t, text)).PersonKey(t.Context()); string(got) != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                   "empty",
		"\n":                 "empty",
		random[1:]:           "shorter than 32",
		random[1:] + "\n\n ": "shorter than 32", // white space doesn't count
	} {
		key, err := found(t, "PERSON_KEY="+secret(t, text)).PersonKey(t.Context())
		if key != nil {
			t.Errorf("%q: got a key", text)
		}
		refused(t, err, "PERSON_KEY", want, text)
	}
}

func TestASecretIsNamedByAFileOrAnARN(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"", random, "/run/secret", "FILE:/run/secret", "https://vault/secret"} {
		_, err := found(t, "PERSON_KEY="+ref).Secret(t.Context(), "PERSON_KEY")
		refused(t, err, "PERSON_KEY", "neither an ARN nor file:/path", ref)
	}
	_, err := found(t, "PERSON_KEY=file:"+filepath.Join(t.TempDir(), "none")).Secret(t.Context(), "PERSON_KEY")
	if refused(t, err, "PERSON_KEY", "none", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is no such file", err)
	}
	_, err = found(t, "PERSON_KEY="+secretARN).Secret(t.Context(), "PERSON_KEY")
	refused(t, err, "PERSON_KEY", "AWS_ACCESS_KEY_ID", secretARN)
}

func TestBothKeysComeOrWhatIsWrongWithEach(t *testing.T) {
	t.Parallel()
	tokens, person := secret(t, `{"7":"`+random+`"}`), secret(t, random)
	k, err := found(t, "TOKEN_KEYS="+tokens, "PERSON_KEY="+person).Keys(t.Context())
	if err != nil || string(k.Person) != random || string(k.Tokens[7]) != random || len(k.Tokens) != 1 {
		t.Errorf("got %d token keys, %v", len(k.Tokens), err)
	}
	for missing, env := range map[string][]string{
		"TOKEN_KEYS":            {"PERSON_KEY=" + person},
		"PERSON_KEY":            {"TOKEN_KEYS=" + tokens},
		"TOKEN_KEYS,PERSON_KEY": nil,
	} {
		k, err := found(t, env...).Keys(t.Context())
		if err == nil || k.Tokens != nil || k.Person != nil {
			t.Errorf("without %s: got %+v, %v", missing, k, err)
			continue
		}
		for _, name := range []string{"TOKEN_KEYS", "PERSON_KEY"} {
			if got, want := strings.Contains(err.Error(), name), strings.Contains(missing, name); got != want {
				t.Errorf("without %s: got %v", missing, err)
			}
		}
	}
}

func TestASecretFromTheVaultIsFreedOfWhiteSpaceToo(t *testing.T) {
	t.Parallel()
	p, _ := vault(t, func(_ int32, w http.ResponseWriter) { fmt.Fprintf(w, `{"SecretString":%q}`, " "+random+"\n") })
	if got, err := p.PersonKey(t.Context()); string(got) != random || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, random)
	}
	p, _ = vault(t, func(_ int32, w http.ResponseWriter) { fmt.Fprint(w, `{"SecretString":""}`) })
	_, err := p.PersonKey(t.Context())
	refused(t, err, "PERSON_KEY", "empty", "")
}

func TestAVaultIsNotAskedAgainForNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, calls := vault(t, func(_ int32, w http.ResponseWriter) {
		cancel()
		w.WriteHeader(http.StatusInternalServerError)
	})
	if _, err := p.PersonKey(ctx); !errors.Is(err, context.Canceled) || calls.Load() != 1 {
		t.Errorf("got %v after %d calls, want that the caller has gone, after one", err, calls.Load())
	}
}

// wire stands for the way out: what is sent to the vault's own address.
type wire func(*http.Request) (*http.Response, error)

func (w wire) Do(r *http.Request) (*http.Response, error) { return w(r) }

func TestTheVaultIsInTheFunctionsRegionAndTheSecretsPartition(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		"arn:aws:secretsmanager:eu-central-1:1:secret:x":    "https://secretsmanager.eu-central-1.amazonaws.com",
		"arn:aws-cn:secretsmanager:eu-central-1:1:secret:x": "https://secretsmanager.eu-central-1.amazonaws.com.cn",
	} {
		p := found(t, "PERSON_KEY="+arn, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key")
		tries := 0
		p.AWS.HTTPClient = wire(func(r *http.Request) (*http.Response, error) {
			if got := r.URL.String(); got != want {
				t.Errorf("%s: asked %s, want %s", arn, got, want)
			}
			tries++
			return nil, io.ErrUnexpectedEOF
		})
		if _, err := p.PersonKey(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) || tries != vaultTries {
			t.Errorf("%s: got %v after %d tries, want the last try's error after %d", arn, err, tries, vaultTries)
		}
	}
}
