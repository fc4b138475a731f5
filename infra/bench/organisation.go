package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// organisation is better-auth's organisation plugin, in a server of Node's of
// its own, with its SQLite file, and people who have an invitation each
// (peers/better-auth).
type organisation struct {
	cmd    *exec.Cmd
	dir    string
	url    string
	client *http.Client
	people []struct{ Cookie, Invitation string }
	log    bytes.Buffer
}

// startOrganisation starts one on an empty file. held may hold it to a core.
func startOrganisation(ctx context.Context, dir, program string, people int, held func(*exec.Cmd)) (_ *organisation, err error) {
	o := &organisation{client: manyAtOnce()}
	if o.dir, err = os.MkdirTemp(dir, "organisation-"); err != nil {
		return nil, err
	}
	o.cmd = exec.Command("node", program, filepath.Join(o.dir, "auth.sqlite"))
	o.cmd.Stderr = &o.log
	says, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	held(o.cmd)
	if err := o.cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("better-auth: %w", err), o.close(), errors.New(o.log.String()))
		}
	}()
	var listening struct{ URL string }
	if err := json.NewDecoder(says).Decode(&listening); err != nil {
		return nil, err
	}
	o.url = listening.URL
	return o, o.ask(ctx, fmt.Sprint("people?n=", people), &o.people)
}

// ask asks one of the peer's doors for the benchmark.
func (o *organisation) ask(ctx context.Context, door string, v any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/bench/"+door, nil)
	if err != nil {
		return err
	}
	resp, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s %s", door, resp.Status, b)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

func (o *organisation) join(ctx context.Context, person int) (int, error) {
	p := o.people[person]
	return press(ctx, o.client, o.url+"/api/auth/organization/accept-invitation", `{"invitationId":"`+p.Invitation+`"}`, "Cookie", p.Cookie, "Origin", o.url)
}

func (o *organisation) admits() int { return http.StatusOK }

// spent tells SQLite's part, which the server has measured, from the rest.
func (o *organisation) spent(ctx context.Context) (spent, error) {
	var store struct{ Micros int64 }
	err := o.ask(ctx, "store", &store)
	s := spent{store: time.Duration(store.Micros) * time.Microsecond}
	s.own = looked(o.cmd.Process.Pid).cpu - s.store
	return s, err
}

func (o *organisation) members(ctx context.Context) (m members, err error) {
	err = o.ask(ctx, "members", &m)
	return m, err
}

func (o *organisation) close() error {
	end(o.cmd)
	o.client.CloseIdleConnections()
	return os.RemoveAll(o.dir)
}

// manyAtOnce is a client that keeps a connection for each request under way.
func manyAtOnce() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}, Timeout: 30 * time.Second}
}

// press posts JSON, with pairs of a header's name and value, and gives the
// status.
func press(ctx context.Context, client *http.Client, url, body string, header ...string) (int, error) {
	return send(ctx, client, http.MethodPost, url, body, header...)
}

// send is press by another method.
func send(ctx context.Context, client *http.Client, method, url, body string, header ...string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
