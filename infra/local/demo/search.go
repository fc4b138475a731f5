package demo

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// found is what search answers.
type found struct {
	Items []struct {
		Partner *struct {
			PartnerID string `json:"partner_id"`
			State     string
		}
		Field   string
		Matched [][2]int
	}
	Partial string
	Stale   bool
}

func (d *Demo) find(ctx context.Context, p *person, q string) (f found, err error) {
	_, err = p.do(ctx, "GET", d.chain+"/directory/search?q="+url.QueryEscape(q), nil, &f)
	return f, err
}

// shows is how long a change has to show in search.
const shows = 5 * time.Second

// search gives a dealer who has joined a name, and waits until they are found
// by its initials.
func (d *Demo) search(ctx context.Context) (string, error) {
	if len(d.guests) == 0 {
		return "nobody has joined, so nobody is renamed and found", nil
	}
	g := d.guests[0]
	if _, err := d.boss.do(ctx, "PATCH", d.chain+"/partners/"+g.partner, map[string]any{"alias": "百灵鸟商行"}, nil); err != nil {
		return "", err
	}
	began := time.Now()
	err := until(ctx, "a change to show in search", func() (bool, error) {
		f, err := d.find(ctx, d.boss, "bln")
		if err != nil {
			return false, err
		}
		if time.Since(began) > shows {
			return false, fmt.Errorf("after %s search doesn't show a change: %+v", shows, f)
		}
		return f.Partial == "" && !f.Stale && len(f.Items) == 1 && f.Items[0].Partner.PartnerID == g.partner, nil
	})
	if err != nil {
		return "", err
	}
	took := time.Since(began)
	for q, who := range map[string]*person{"百灵鸟": g.person, "bailing": g.person} {
		if f, err := d.find(ctx, who, q); err != nil || len(f.Items) != 0 {
			return "", fmt.Errorf("a dealer finds %+v by what the owner calls them (%v)", f, err)
		}
	}
	began = time.Now()
	f, err := d.find(ctx, d.boss, "百灵鸟")
	if err != nil || len(f.Items) != 1 || f.Items[0].Field != "alias" || fmt.Sprint(f.Items[0].Matched) != "[[0 3]]" {
		return "", fmt.Errorf("got %+v (%v), want the dealer by three characters of their alias", f, err)
	}
	return fmt.Sprintf("a dealer is called 百灵鸟商行 and found by bln %.1f s later; a search takes %d ms", took.Seconds(), time.Since(began).Milliseconds()), nil
}
