package network

import "time"

const day = 24 * time.Hour

// LongestLife is the longest that an invite lives under any policy (R12).
const LongestLife = 90 * day

// life is how long an invite lives under a policy (R12).
func life(p JoinPolicy) time.Duration {
	if p == ImportedOnly {
		return LongestLife
	}
	return 7 * day
}

// ExpiresAt is when an invite made at created ends (R12): a pure function of
// the invite and the chain's policy history. While a policy is in force its
// life holds, so turning 「仅导入的企业可加入」 on stretches what still lives
// and turning it off ends at once what is older than 7 days; what has ended
// stays ended. A shorter life of the invite's own, if not 0, always wins.
// The last entry of the history is taken to hold for ever.
func ExpiresAt(created time.Time, own time.Duration, history []PolicyChange) time.Time {
	for i, change := range history {
		last := i == len(history)-1
		if !last && !history[i+1].At.After(created) {
			continue // over before the invite was made
		}
		l := life(change.Policy)
		if own > 0 {
			l = min(l, own)
		}
		end := created.Add(l)
		if end.Before(change.At) {
			end = change.At // the switch itself ended it
		}
		if last || !history[i+1].At.Before(end) {
			return end
		}
	}
	return created // no history: never lived
}

// MaxLife is the longest life that an invite may ask for under the policy in
// force. What is older lives no more, whatever the history says.
func (c Chain) MaxLife() time.Duration { return life(c.Policy()) }
