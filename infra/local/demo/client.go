package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// person is somebody at the API: signed in with a phone, acting as a corp.
type person struct {
	demo  *Demo
	phone string
	token string // id token
	corp  string // acts as; "" for their only one
}

// problem is an answer that is an error. What a step expects, it compares.
type problem struct {
	Status int
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// signIn is a person with that verified phone.
func (d *Demo) signIn(ctx context.Context, phone, name string) (*person, error) {
	var t struct {
		IDToken string `json:"id_token"`
	}
	p := &person{demo: d, phone: phone}
	if _, err := p.call(ctx, "POST", d.Control+"/tokens", map[string]any{"phone": phone, "name": name, "verified": true}, &t); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	p.token = t.IDToken
	return p, nil
}

// do calls the API and gives the status; an error answer is a *problem. An out
// of bytes gets the answer as it is.
func (p *person) do(ctx context.Context, method, path string, in, out any) (status int, err error) {
	for try := 0; ; try++ {
		status, err = p.call(ctx, method, p.demo.API+path, in, out)
		if !p.demo.tolerant || status < 500 || try == 20 {
			return status, err
		}
	}
}

func (p *person) call(ctx context.Context, method, url string, in, out any) (status int, err error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.corp != "" {
		r.Header.Set("Tributary-Corp", p.corp)
	}
	r.Header.Set("Accept-Language", "en")
	resp, err := p.demo.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	if resp.StatusCode >= 400 {
		bad := &problem{Status: resp.StatusCode}
		if json.Unmarshal(b, bad) != nil || bad.Code == "" {
			bad.Code, bad.Detail = "?", strings.TrimSpace(string(b[:min(len(b), 200)]))
		}
		return resp.StatusCode, bad
	}
	if file, raw := out.(*[]byte); raw {
		*file = b
		return resp.StatusCode, nil
	}
	if out == nil || len(b) == 0 {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.Unmarshal(b, out)
}

// refused makes sure that a call was answered with that status and code.
func refused(err error, status int, code string) error {
	p, ok := err.(*problem)
	if !ok || p.Status != status || p.Code != code {
		return fmt.Errorf("got %v, want %d %s", err, status, code)
	}
	return nil
}

// list reads all pages of a list.
func list[T any](ctx context.Context, p *person, path string, limit int) (all []T, pages int, err error) {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for cursor := ""; ; {
		var page struct {
			Items      []T     `json:"items"`
			NextCursor *string `json:"next_cursor"`
		}
		if _, err := p.do(ctx, "GET", fmt.Sprintf("%s%slimit=%d&cursor=%s", path, sep, limit, url.QueryEscape(cursor)), nil, &page); err != nil {
			return nil, 0, err
		}
		all = append(all, page.Items...)
		pages++
		if page.NextCursor == nil {
			return all, pages, nil
		}
		cursor = *page.NextCursor
	}
}

// upload posts a file by a presigned ticket, as a browser's form does.
func (d *Demo) upload(ctx context.Context, url string, fields map[string]string, contentType string, file []byte) error {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	fields = maps.Clone(fields)
	if _, given := fields["Content-Type"]; !given {
		fields["Content-Type"] = contentType
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := w.WriteField(name, fields[name]); err != nil {
			return err
		}
	}
	f, err := w.CreateFormFile("file", "roster")
	if err != nil {
		return err
	}
	if _, err := f.Write(file); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, "POST", url, &form)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	resp, err := d.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("upload: %s: %s", resp.Status, b)
	}
	return nil
}

// until asks again and again until the answer is yes, for a quarter of an hour
// at most: a roster may be long.
func until(ctx context.Context, what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited 15 minutes for %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
