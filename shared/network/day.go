package network

import "time"

// Day is a day as the people of chains have them, in Beijing: so many days
// after 1 January 1970. 0 is none.
type Day int

// DayAt is the day of a moment, 0 of none.
func DayAt(t time.Time) Day {
	if t.IsZero() {
		return 0
	}
	return Day((t.Unix() + 8*60*60) / (24 * 60 * 60)) // there are hundreds of thousands to ask
}

// String is the day as 2026-11-29.
func (d Day) String() string {
	return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly)
}
