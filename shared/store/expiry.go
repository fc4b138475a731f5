package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// Due is something that was filed to end by now: an invite, the notices of an
// import, or the clearing of a group that was deleted.
type Due struct {
	Chain, ID string
	filed     key
}

// DuePage is how far a reading of what is due has come; the zero value begins
// it.
type DuePage struct {
	last [dueShards]map[string]types.AttributeValue
	end  [dueShards]bool
}

// Due is up to limit things of each shard that were filed to end by now, from
// page on, which it takes further; none are left when it gives none. What
// isn't due isn't read: the cost follows what ends, not what there is. What
// can't be settled is passed over and keeps nobody behind it waiting.
func (s *Store) Due(ctx context.Context, now time.Time, limit int, page *DuePage) ([]Due, error) {
	var all []Due
	for i := range dueShards {
		if page.end[i] {
			continue
		}
		out, err := s.db.Query(ctx, &dynamodb.QueryInput{
			TableName: &s.table, IndexName: aws.String("due"), Limit: aws.Int32(int32(limit)), ExclusiveStartKey: page.last[i],
			KeyConditionExpression: aws.String("DPK = :pk AND DSK < :now"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":pk": str(dueShard(i)), ":now": str(dueBefore(now))},
		})
		if err != nil {
			return nil, wrap("due", err)
		}
		page.last[i], page.end[i] = out.LastEvaluatedKey, out.LastEvaluatedKey == nil
		for _, raw := range out.Items {
			sk, ok := raw["DSK"].(*types.AttributeValueMemberS)
			if !ok {
				continue // the index holds none without
			}
			parts := strings.Split(sk.Value, "#") // when, chain, id
			all = append(all, Due{Chain: parts[1], ID: parts[2], filed: key{dueShard(i), sk.Value}})
		}
	}
	return all, nil
}

// Settle ends what is due, if it has ended: its maker is to be told, which is
// noted with it. What the policy has stretched since it was filed is filed
// anew (R12). The partners of a deleted group are moved to where it went (R34).
// Twice is once. ended says whether it did.
func (s *Store) Settle(ctx context.Context, d Due, now time.Time) (ended bool, err error) {
	if group, no := strconv.Atoi(d.ID); no == nil {
		ended, err = s.settleGroup(ctx, d.Chain, group)
	} else if network.ValidInviteID(d.ID) {
		ended, err = s.settleInvite(ctx, d, now)
	} else {
		ended, err = s.settleImport(ctx, d, now)
	}
	return ended, wrap("settle", err)
}

func (s *Store) settleInvite(ctx context.Context, d Due, now time.Time) (bool, error) {
	at := inviteKey(d.Chain, d.ID)
	found, err := s.batchGet(ctx, true, at, chainKey(d.Chain))
	if err != nil {
		return false, err
	}
	var it inviteItem
	var ch chainItem
	if ok, err := found.into(at, &it); !ok || err != nil {
		return false, err // gone: the index is behind
	}
	if ok, err := found.into(chainKey(d.Chain), &ch); err != nil {
		return false, err
	} else if !ok {
		return false, s.unfile(ctx, at, d, "") // of a chain that there isn't
	}
	i, c := it.invite(d.Chain), ch.chain()
	if i.MaxUses > 0 && i.Uses >= i.MaxUses {
		return false, s.unfile(ctx, at, d, "") // it has done what it was made for
	}
	switch i.Usable(c, now) {
	case nil:
		return false, s.refile(ctx, at, d, i.ExpiresAt(c), now)
	case network.ErrInviteExpired:
		return true, s.unfile(ctx, at, d, network.Event{
			ID: endedID(i), Kind: network.InviteEnded, Chain: d.Chain, Invite: i.ID, Person: i.Maker, Corp: i.MakerCorp,
		}.Encode())
	}
	return false, s.unfile(ctx, at, d, "") // revoked, dissolved: who did it knows
}

// endedID is of the end of one life: after a resend there is another (R17).
func endedID(i network.Invite) string {
	if i.ResentAt.IsZero() {
		return "ended." + i.ID
	}
	return fmt.Sprintf("ended.%s.%d", i.ID, i.Version)
}

func (s *Store) settleImport(ctx context.Context, d Due, now time.Time) (bool, error) {
	at := importKey(d.Chain, d.ID)
	found, err := s.batchGet(ctx, true, at, chainKey(d.Chain))
	if err != nil {
		return false, err
	}
	var it importItem
	var ch chainItem
	if ok, err := found.into(at, &it); !ok || err != nil {
		return false, err // gone: the index is behind
	}
	if ok, err := found.into(chainKey(d.Chain), &ch); err != nil {
		return false, err
	} else if !ok {
		return false, s.unfile(ctx, at, d, "") // of a chain that there isn't
	}
	c := ch.chain()
	if it.State == network.ImportReading || it.State == network.ImportApplying {
		return s.breakOff(ctx, at, d, it, c, now)
	}
	if ends := network.ExpiresAt(it.StartedAt.time(), 0, c.Policies); !c.Dissolved() && now.Before(ends) {
		return false, s.refile(ctx, at, d, ends, now)
	}
	tallies, err := s.Tallies(ctx, d.Chain, d.ID)
	if err != nil {
		return false, err
	}
	n := network.Progress(tallies, c.Policies, now).Expired
	if n == 0 || c.Dissolved() {
		return false, s.unfile(ctx, at, d, "")
	}
	return true, s.unfile(ctx, at, d, network.Event{
		ID: "ended." + d.ID, Kind: network.RosterEnded, Chain: d.Chain, Import: d.ID, Person: it.Maker, Corp: it.MakerCorp, Count: n,
	}.Encode())
}

// breakOff ends an import of which nothing was heard for too long: no run of it
// is to come. Its maker is to be told, unless the chain is no more. What it has done
// by then stays, and what it has told runs out like any other's.
func (s *Store) breakOff(ctx context.Context, at key, d Due, it importItem, c network.Chain, now time.Time) (bool, error) {
	ends := max(it.StartedAt, it.AppliedAt, it.BeatAt).time().Add(unfinished)
	if now.Before(ends) {
		return false, s.refile(ctx, at, d, ends, now)
	}
	to := dueList(d.Chain+"#"+d.ID, network.ExpiresAt(it.StartedAt.time(), 0, c.Policies), now)
	tallies, err := s.Tallies(ctx, d.Chain, d.ID)
	if err != nil {
		return false, err
	}
	expr := "SET #s = :failed, FileCode = :code, EndedAt = :now, DSK = :to, Counts = :done"
	v := vals{"failed": network.ImportFailed, "code": notFinished, "now": moment(now.UnixMilli()), "to": to.SK, "from": d.filed.SK,
		"was": it.State, "done": network.Done(tallies)}
	if !c.Dissolved() {
		expr += ", Outbox = :o"
		v["o"] = network.Event{
			ID: "failed." + d.ID, Kind: network.RosterFailed, Chain: d.Chain, Import: d.ID, Person: it.Maker, Corp: it.MakerCorp,
		}.Encode()
	}
	return true, s.updateOnce(ctx, at, expr, "DSK = :from AND #s = :was", map[string]string{"#s": "State"}, v)
}

// refile puts what isn't due yet where it will be.
func (s *Store) refile(ctx context.Context, at key, d Due, ends, now time.Time) error {
	to := dueList(d.Chain+"#"+d.ID, ends, now)
	return s.updateOnce(ctx, at, "SET DSK = :to", "DSK = :from", nil, vals{"to": to.SK, "from": d.filed.SK})
}

// unfile takes what has ended off the index, with what is to be said of it.
func (s *Store) unfile(ctx context.Context, at key, d Due, outbox string) error {
	v := vals{"from": d.filed.SK}
	expr := "REMOVE DPK, DSK"
	if outbox != "" {
		expr = "SET Outbox = :o " + expr
		v["o"] = outbox
	}
	return s.updateOnce(ctx, at, expr, "DSK = :from", nil, v)
}
