package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/pinyin"
)

// key is the only way to address an item; every kind of item has one
// constructor here and nobody else writes a '#'.
type key struct{ PK, SK string }

func corpKey(corp string) key           { return key{"CORP#" + corp, "CORP"} }
func memberKey(person, corp string) key { return key{"PERSON#" + person, "CORP#" + corp} }
func chainKey(chain string) key         { return key{"CHAIN#" + chain, "CHAIN"} }
func adminKey(chain, person string) key { return key{"CHAIN#" + chain, "ADMIN#" + person} }

// gateKey gives each gate a partition of its own: a crowd at all sixteen isn't
// a crowd at one.
func gateKey(chain string, i int) key { return key{fmt.Sprintf("CHAIN#%s#G%02d", chain, i), "GATE"} }

func nameKey(folded string) key { return key{"NAME#" + folded, "CHAIN"} }
func treeKey(chain string) key  { return key{"CHAIN#" + chain + "#GROUPS", "TREE"} }
func groupKey(chain string, id int) key {
	return key{"CHAIN#" + chain + "#GROUPS", fmt.Sprintf("GROUP#%010d", id)}
}

// clearingKey says that a deleted group's partners are still to be filed anew.
func clearingKey(chain string, group int) key {
	return key{"CHAIN#" + chain + "#CLEARING", strconv.Itoa(group)}
}

// rulesKey sorts before the rules, so that a read of all has it first.
func rulesKey(chain string) key    { return key{"CHAIN#" + chain + "#RULES", "EDITION"} }
func ruleKey(chain, id string) key { return key{"CHAIN#" + chain + "#RULES", "RULE#" + id} }

func inviteKey(chain, invite string) key { return key{"CHAIN#" + chain + "#INVITES", invite} }

// resentKey says that an invite was resent: it may live when those that were
// made with it are all dead (R17).
func resentKey(chain, invite string) key { return key{"CHAIN#" + chain + "#RESENT", invite} }

// A migrated WeChat group is found by its id, newest first, and by whose it is;
// its people lie in chunks of their own (R45).
func migrationKey(chain, id string) key { return key{"CHAIN#" + chain + "#MIGRATIONS", id} }
func migratedKey(chain, group string) key {
	return key{"CHAIN#" + chain + "#MIGRATED", group}
}
func migrantsKey(chain, id string, n int) key {
	return key{"CHAIN#" + chain + "#MIGRATION#" + id, fmt.Sprintf("MEMBERS#%02d", n)}
}

// toldKey says that a person has had a chain's notice of a day.
func toldKey(person, chain, day string) key { return key{"TOLD#" + person, chain + "#" + day} }

func importKey(chain, id string) key { return key{"CHAIN#" + chain + "#IMPORTS", id} }

func exportKey(chain, id string) key { return key{"CHAIN#" + chain + "#EXPORTS", id} }

// partnerKey spreads a chain's partners over partitions by their id, which is
// a hash: a chain of any size is written at the table's pace.
func partnerKey(chain, partner string) key {
	return key{partnerShard(chain, int(shard(partner, partnerShards))), "PARTNER#" + partner}
}

// customKey stands where a partner of that 自定义企业ID would, when the id was
// given to a partner of another key.
func customKey(chain, customID string) key {
	return partnerKey(chain, network.CustomPartnerID(chain, customID))
}

func partnerShard(chain string, i int) string { return "CHAIN#" + chain + "#P" + padded(i, 2) }

// padded is a number that sorts as its text does, up to so many digits. An
// import writes half a million keys; fmt takes a tenth of its time for them.
func padded(n, digits int) string {
	s := strconv.Itoa(n)
	return "0000000000"[:max(0, digits-len(s))] + s
}

// contactKey puts all that a person is into their own partition: one query
// says who they are, everywhere.
func contactKey(person, chain, partner string) key {
	return key{"PERSON#" + person, "CHAIN#" + chain + "#" + partner}
}

// applicationKey lies with the applicant, as a contact does: a join reads it
// with them.
func applicationKey(person, chain, corp string) key {
	return key{"PERSON#" + person, "APPLY#" + chain + "#" + corp}
}

// eraseKey lies with a person who has left a corp, until they are erased.
func eraseKey(person string) key { return key{"PERSON#" + person, "ERASE"} }

func disputeKey(chain, id string) key { return key{"CHAIN#" + chain + "#CONFLICTS", id} }

// rowsKey holds a chunk of an import's rows, planKey what is to be done with
// them. So many of both share a partition that one query reads it, and that no
// partition is written all of a long roster.
func rowsKey(chain, imp string, n int) key {
	return key{rowsPartition(chain, imp, n/partChunks), fmt.Sprintf("ROWS#%06d", n)}
}
func planKey(chain, imp string, n int) key {
	return key{rowsPartition(chain, imp, n/partChunks), fmt.Sprintf("PLAN#%06d", n)}
}
func rowsPartition(chain, imp string, part int) string {
	return fmt.Sprintf("CHAIN#%s#ROWS#%s#%03d", chain, imp, part)
}

// What a plan as a whole is about: the groups that it names, what they were
// made, and the partners that it touches.
func sidePartition(chain, imp string) string { return "CHAIN#" + chain + "#PLAN#" + imp }
func groupsKey(chain, imp string, n int) key {
	return key{sidePartition(chain, imp), fmt.Sprintf("GROUPS#%04d", n)}
}
func placesKey(chain, imp string, n int) key {
	return key{sidePartition(chain, imp), fmt.Sprintf("PLACES#%04d", n)}
}
func touchKey(chain, imp string, n int) key {
	return key{sidePartition(chain, imp), fmt.Sprintf("TOUCH#%06d", n)}
}

// changeKey is the n-th change of a chain that an admin has made.
func changeKey(chain string, n int) key {
	return key{"CHAIN#" + chain + changesSuffix, fmt.Sprintf("%010d", n)}
}

const changesSuffix = "#CHANGES"

// feedKey is the n-th part of what search is told of a chain, rebuildKey that
// somebody has found its index missing.
func feedKey(chain string, n int) key {
	return key{"CHAIN#" + chain + "#FEED", fmt.Sprintf("%010d", n)}
}
func rebuildKey(chain string) key { return key{"CHAIN#" + chain + "#INDEX", "REBUILD"} }

// tallyKey counts what became of the contacts of tallyChunks chunks.
func tallyKey(chain, imp string, chunk int) key {
	return key{"CHAIN#" + chain + "#PROGRESS", fmt.Sprintf("%s#%05d", imp, chunk/tallyChunks)}
}

// budgetKey is what a phone has been told lately. The person is their phone.
// It lies apart from what they are, which is read whenever they ask something.
func budgetKey(person string) key { return key{"BUDGET#" + person, "BUDGET"} }

// callKey is when a chain's admin was last told that applications wait.
func callKey(person, chain string) key { return key{"BUDGET#" + person, "CALL#" + chain} }

// onceKey remembers what an Idempotency-Key made.
func onceKey(person, corp, kind, k string) key {
	return key{"ONCE#" + person + "#" + corp, kind + "#" + k}
}

// The list index: what is shown in pages. Partners are spread over listShards
// partitions and sorted by class, group and name; a page merges the shards.
func partnerList(chain string, p network.Partner) key {
	if p.State == network.PartnerRemoved {
		return key{}
	}
	return key{listShard(chain, int(shard(p.ID, listShards))), class(p.State) + "#" + padded(p.Group, 10) + "#" + phoneBook(p.Name) + "#" + p.ID}
}

// phoneBook is where a name stands in a phone book: by how it is read, and where
// that is the same by its characters, as far as there is room. An id follows it,
// which has no '#'; what stands before has none either.
func phoneBook(name string) string {
	k := pinyin.Key(name) + "#" + name
	if len(k) <= phoneBookBytes {
		return k
	}
	end := phoneBookBytes
	for !utf8.RuneStart(k[end]) {
		end--
	}
	return k[:end]
}

func listShard(chain string, i int) string { return "CHAIN#" + chain + "#L" + strconv.Itoa(i) }

// memberList sorts a corp's people: super-admins before the others, so that
// who they are is one page of a corp of any size, then by name.
func memberList(m network.Member) key {
	return key{"CORP#" + m.Corp + "#MEMBERS", rank(m.Role) + "#" + m.Name + "#" + m.Person}
}

// applicationList sorts a chain's applications: who waits before who doesn't
// any more, the oldest first.
func applicationList(a network.Application) key {
	return key{applicationShard(a.Chain, int(shard(a.ID, listShards))), applicationsOf(a.State) + fmt.Sprintf("%013d#%s", a.CreatedAt.UnixMilli(), a.ID)}
}
func applicationShard(chain string, i int) string { return fmt.Sprintf("CHAIN#%s#A%d", chain, i) }

// applicationsOf begins the sort keys of a state's applications; "" is all.
func applicationsOf(s network.ApplicationState) string {
	switch s {
	case "":
		return "apply#"
	case network.ApplicationWaiting:
		return "apply#0#"
	case network.ApplicationAccepted:
		return "apply#1#"
	}
	return "apply#2#"
}

// disputeList does the same for conflicts, which are few.
func disputeList(d network.Dispute) key {
	return key{"CHAIN#" + d.Chain + "#CONFLICTS", disputesOf(d.State) + fmt.Sprintf("%013d#%s", d.CreatedAt.UnixMilli(), d.ID)}
}

func disputesOf(s network.DisputeState) string {
	switch s {
	case "":
		return "conflict#"
	case network.DisputeOpen:
		return "conflict#0#"
	}
	return "conflict#1#"
}

// makerList files an invite with the others that its maker has in the chain, by
// their ids: in the order of time.
func makerList(chain, maker, invite string) key {
	return key{"CHAIN#" + chain + "#BY#" + maker, invite}
}

func rank(r network.Role) string {
	if r == network.SuperAdmin {
		return "0"
	}
	return "1"
}

// class sorts those who have joined before those who are to.
func class(s network.PartnerState) string {
	switch s {
	case network.PartnerJoined:
		return "0"
	case network.PartnerPending:
		return "1"
	}
	return "2"
}

// The due index: what ends by itself, by when.
//
// dueList files a thing under when it ends, and within a week however late
// that is: a policy that is switched off meanwhile ends it sooner than could
// be foreseen (R12), and its maker is to hear of that.
func dueList(id string, ends, now time.Time) key {
	at := min(ends.Unix(), now.Add(lookAgain).Unix())
	return key{dueShard(int(shard(id, dueShards))), fmt.Sprintf("%011d#%s", at, id)}
}

// revokedList files an invite that has been revoked: it ends by itself no more,
// and so its place in the index is free to say that.
func revokedList(chain, invite string) key { return key{"CHAIN#" + chain + "#REVOKED", invite} }

// dueBefore is the sort key behind all that is due by then.
func dueBefore(now time.Time) string { return fmt.Sprintf("%011d#", now.Unix()+1) }

const lookAgain = 7 * 24 * time.Hour

func dueShard(i int) string { return fmt.Sprintf("DUE#%d", i) }

// phoneBookBytes is room for the reading of the longest name and its first
// characters. A page of such names costs what a page may.
const phoneBookBytes = 128

const (
	partnerShards = 16 // × 1,000 writes/s a partition: 16,000 rows/s a chain
	listShards    = 4  // × 1,000 writes/s of the index; a page asks each once
	dueShards     = 4
	gates         = 16 // joiners of one chain that don't wait for each other
	tallyChunks   = 20 // chunks that one tally counts: 10,000 rows
	partChunks    = 32 // chunks that lie together: a megabyte, which is one query's
)

func shard(id string, n uint32) uint32 {
	const offset, prime = 2166136261, 16777619 // FNV-1a, for which hash/fnv wants the id copied
	h := uint32(offset)
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * prime
	}
	return h % n
}

func (k key) attrs() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": str(k.PK), "SK": str(k.SK)}
}

// afterLast cuts the id off the end of a sort key.
func afterLast(sk string) string { return sk[strings.LastIndexByte(sk, '#')+1:] }

// afterFirst is the second part of a sort key.
func afterFirst(sk string) string { return strings.Split(sk, "#")[1] }

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
