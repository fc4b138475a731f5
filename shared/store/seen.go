package store

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tributary-app/tributary/shared/network"
)

// Of a list in which some are hidden singly, one page reads so many of them at
// a time, and so often, before it is short.
const (
	hiddenAhead  = 100
	hiddenRounds = 6
)

// PlaceIn is where a list of groups, one after the other, goes on: in which of
// them, and from where there. cursor is "group.place" or, at the beginning, "";
// of a group that has gone it leads to the next.
func PlaceIn(groups []int, cursor string) (at int, there string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	in, place, ok := strings.Cut(cursor, ".")
	id, err := strconv.Atoi(in)
	if err != nil || !ok {
		return 0, "", network.ErrCursor
	}
	at, stands := slices.BinarySearch(groups, id)
	if !stands {
		place = ""
	}
	return at, place, nil
}

// Seen is a page of a list of partners without those that are kept from the
// actor one by one: as full, and with the same end, as if they weren't there. A
// page that they left gaps in would count them (R36). From whom nobody is hidden
// singly, it is the page that read reads.
func Seen(sight *network.Sight, q PartnerQuery, read func(PartnerQuery) ([]network.Partner, string, error)) (found []network.Partner, next string, err error) {
	hidden := len(sight.Scope().Hidden)
	if hidden == 0 {
		return read(q)
	}
	limit := q.Limit
	for range hiddenRounds {
		q.Limit = limit - len(found) + min(hidden, hiddenAhead) + 1
		page, more, err := read(q)
		if err != nil {
			return nil, "", err
		}
		full := upTo(sight, page, limit-len(found))
		found = append(found, seen(sight, page[:full])...)
		switch {
		case full == len(page) && more == "":
			return found, "", nil
		case full == len(page):
			q.Cursor = more
		case full == 0: // one is behind the full page, which so isn't the last
			return found, q.Cursor, nil
		default:
			last := page[full-1]
			return found, encodeCursor(partnerList(last.Chain, last).SK), nil
		}
	}
	return found, q.Cursor, nil
}

// upTo is how many of a page there are before one more than so many is seen.
func upTo(sight *network.Sight, page []network.Partner, many int) int {
	for i, p := range page {
		if sight.Partner(p) {
			if many == 0 {
				return i
			}
			many--
		}
	}
	return len(page)
}

func seen(sight *network.Sight, page []network.Partner) (found []network.Partner) {
	for _, p := range page {
		if sight.Partner(p) {
			found = append(found, p)
		}
	}
	return found
}
