// Package store is what Tributary remembers: one DynamoDB table, in which
// each thing has one place, and every rule that two people could break
// between them is a condition of the write. It is the only package that
// speaks DynamoDB; the domain (shared/network) decides, this package holds
// the decision to what is true at the moment of the commit.
//
// # What is where
//
// An item is found by its partition (PK) and its sort key (SK), and two of
// the same key can't be. {…} is an id; a partner's shard P is one of 16 by
// the hash that its id is.
//
//	PK                          SK                          item                       unique because
//	CORP#{corp}                 CORP                        a corp, and its places     the id is random, or a hash of who
//	                                                        in chains                  makes it as they join (R15, R23)
//	PERSON#{person}             CORP#{corp}                 a member (R01)             one a person and corp
//	PERSON#{person}             CHAIN#{chain}#{partner}     a contact: on a roster,    one a person and partner (R01);
//	                                                        and the membership         the person is their phone
//	PERSON#{person}             APPLY#{chain}#{corp}        an application (R20)       one a person, corp and chain;
//	                                                                                   its id is made of the first two
//	PERSON#{person}             ERASE                       corps that somebody has    one a person, until they
//	                                                        left, where their name     are erased
//	                                                        is on what they made
//	CHAIN#{chain}#CONFLICTS     {conflict}                  a conflict of R23          a hash of partner, person and
//	                                                                                   the corp that they chose
//	CHAIN#{chain}               CHAIN                       settings, policy history,  the id is random
//	                                                        where groups went
//	CHAIN#{chain}#G{00–15}      GATE                        a gate: the rules' number  sixteen a chain
//	                                                        and a share of the quota
//	CHAIN#{chain}               ADMIN#{person}              an appointed admin         one a person
//	NAME#{folded name}          CHAIN                       who has the name (R41)     names differ by more than case
//	CHAIN#{chain}#GROUPS        TREE                        the tree's edition         one a chain
//	CHAIN#{chain}#GROUPS        GROUP#{id}                  a group                    ids are counted in the tree
//	CHAIN#{chain}#CLEARING      {group id}                  a deleted group whose      ids are counted in the tree
//	                                                        partners aren't all filed
//	                                                        anew
//	CHAIN#{chain}#RULES         EDITION                     the rules' edition, and    one a chain; each edit of a rule
//	                                                        how many a day             states it, and raises the chain's
//	CHAIN#{chain}#RULES         RULE#{id}                   a visibility rule          the id is made once
//	CHAIN#{chain}#INVITES       {invite}                    a link or QR code          the id is time and chance
//	CHAIN#{chain}#RESENT        {invite}                    that it was resent         one an invite
//	CHAIN#{chain}#MIGRATIONS    {migration}                 a WeChat group (R45)       the id is time and chance
//	CHAIN#{chain}#MIGRATED      {hash of owner and name}    that it was brought        an owner has one of a name
//	CHAIN#{chain}#MIGRATION#{migration}
//	                            MEMBERS#{n}                 a hundred of its people    the transaction that made it
//	TOLD#{person}               {chain}#{day}               the notice of that day     one a person, chain and day
//	CHAIN#{chain}#P{shard}      PARTNER#{partner}           a partner, and the ids of  the id is a hash of 自定义企业ID, else
//	                                                        its people; or a signpost  name, else corp (R27)
//	                                                        to who has a 自定义企业ID    (R25)
//	CHAIN#{chain}#IMPORTS       {import}                    an import                  the id is time and chance
//	CHAIN#{chain}#EXPORTS       {export}                    an export, and how far it   the id is time and chance, or
//	                                                        has come                    a hash of who asks and when
//	CHAIN#{chain}#ROWS#{import}#{n/32}
//	                            ROWS#{n}                    a chunk: 500 rows, packed  a function of the file
//	                            PLAN#{n}                    what is done with them;    the first plan holds (R29)
//	                                                        behind them, of whom no
//	                                                        row names
//	CHAIN#{chain}#PLAN#{import} GROUPS#{n}, PLACES#{n}      groups that a plan names,  the first run holds
//	                                                        and what they were made
//	CHAIN#{chain}#PLAN#{import} TOUCH#{n}                   partners that a plan is    sorted, by their first bits
//	                                                        about
//	CHAIN#{chain}#CHANGES       {n}                         a change that an admin     counted without a gap: who
//	                                                        made, or an import: the    writes n+1 has seen n
//	                                                        audit list, views as
//	                                                        somebody among them
//	CHAIN#{chain}#FEED          {n}                         what search is told of     counted without a gap
//	                                                        the chain: many changes
//	CHAIN#{chain}#INDEX         REBUILD                     that its search index is   one a chain
//	                                                        missing
//	CHAIN#{chain}#PROGRESS      {import}#{n}                a tally of 10,000 rows     one for twenty chunks
//	BUDGET#{person}             BUDGET                      what a phone was told      the person is their phone
//	                                                        of late, and the chains
//	                                                        that it has blocked (R48)
//	BUDGET#{person}             CALL#{chain}                when an admin was last     one an admin and chain
//	                                                        told of applications
//	ONCE#{person}#{corp}        {kind}#{key}                an Idempotency-Key         one a client's key
//
// Two indexes, each named by its question:
//
//	list: what is shown in pages. LPK, LSK → Card
//	      CHAIN#{chain}#L{0–3}   {joined 0, pending 1, empty 2}#{group}#{reading of the name}#{name}#{partner}
//	      CORP#{corp}#MEMBERS    {super-admin 0, else 1}#{name}#{person}
//	      CHAIN#{chain}#A{0–3}   apply#{waiting 0, accepted 1, declined 2}#{when}#{application}
//	      CHAIN#{chain}#CONFLICTS  conflict#{open 0, resolved 1}#{when}#{conflict}
//	      CHAIN#{chain}#BY#{maker} {invite}
//	due:  what ends by itself. DPK, DSK → keys only
//	      DUE#{0–3}              {unix seconds}#{chain}#{invite, import or group}
//	      CHAIN#{chain}#REVOKED  {invite}: it ends by itself no more
//
// # Why it is so
//
// The outbox has no items of its own. What somebody must hear of rides as the
// attribute Outbox on the item that changed: a join's on the contact, a
// chunk's on its tally, an end on what has ended. The stream hands it on. An
// item beside it would cost two write units more, and the join by notice, at
// ten, has none to spare. An item that is written again for another reason
// still shows its Outbox; whoever reads the stream compares it with the image
// before, and events carry ids for what comes twice anyhow. A tally's goes when
// its notices have gone: nobody looks for it in the table.
//
// Gates. A join must be refused by whatever was committed before it: a policy,
// a revocation, a dissolution, a full chain (R16, R47). Were that one item,
// two thousand joiners would queue on it (R15). So a chain has sixteen gates,
// each in a partition of its own, with the number of the chain's rules (Gate)
// and its share of the quota. A join takes one by chance, states the number
// that it has read and counts itself, in one write. What changes the rules
// rewrites all sixteen: joins are many and revocations few. In a crowd that
// write would never find all sixteen free, so after a few tries it marks the
// chain, and joins wait for it (Turning). A gate that is full sends the join to
// one that isn't, and only when none is left is the chain full.
//
// Applications lie with who applies: a join reads them with its first request,
// so that a repeat finds the one that waits, and who gets in by another way
// settles it, for nothing. An admin's id of one is made of its person and corp,
// and so leads to it without an index. Acceptance is the join itself, with the
// application's edition among its conditions (infra/decisions/9-applications.md).
//
// A crowd. A join that comes to an item which another transaction holds isn't
// refused: it tries again on what it has read, one request and not three, and
// reads anew at each third try. It may do so for seven seconds of the door's ten.
//
// Erasing. What lets a person in anywhere goes in one transaction, which the
// last super-admin of a corp is refused (R06): their memberships of corps, what
// they have applied for, their conflicts. In it lies a note of those corps, as in
// the write by which somebody leaves one: it leads to what they did for them. What is left of a contact that
// no roster names is whom, by an id that is no name, and when they left: else an
// old token let them in again (R18, infra/decisions/14-erasing.md).
//
// Moved groups. A deleted group leaves a pointer on the chain to where its
// people went (R34). A join reads the chain anyway, so an invite into a group
// that is gone lands without being rewritten and without a read of the tree.
// So does everybody who is shown a partner: one that is still filed under a
// group that is gone is shown where that went. They are filed anew by the deletion,
// and what that leaves by the sweep: the note of it is in the same write.
//
// Rosters. Rows are kept before anything is planned, plans before anything is
// done, and each step is done again without harm (infra/decisions/8-rosters.md).
// Of a million rows nothing is an item of its own but what they make. Who was
// withdrawn is a contact of an epoch before all epochs: their notice is dead,
// nobody is shown them, and a roster that names them again begins anew.
//
// Tallies. Progress is counted once a chunk: the write that adds notes in the
// same item that the chunk has been counted, and a second delivery of it
// fails on that. A join is noted on its contact in the same way. Counters that
// are only added to would grow with each redelivery. What a contact answers, or
// that they are taken out, goes into the tally in the contact's own transaction.
// Each step adds the difference of what they count for before and after it
// (network.Steps), so that the tallies are a recount at every moment.
//
// Search. The stream's second consumer writes what became of partners and
// people into their chain's feed, up to a thousand changes an item, and folds
// the feed into an index beside the table. Who searches asks for what is behind
// their index, by one query (infra/decisions/19-search-feed.md).
//
// Budgets. A notice takes its place in its recipient's budget before it is
// sent, under its dedup id: a repeat finds the place taken and spends nothing,
// and who crashes in between has spent for what the next delivery sends. The
// budget is one item, written under its Edition, and the blocks lie in it: so
// nothing is sent after a block that was committed first, and of fifty notices
// at once three are sent. It is a cost of the notice, not of the roster's row.
//
// Editions and epochs. An Edition rises with each write of an item, and who
// writes a whole item states the one it has read. An epoch of a partner ends
// with its removal (R38): that is one number on it and on its corp's place,
// and what was granted before, of however many people, is void with that
// write. The place keeps the moment of its last removal also when the corp is
// back, since a token from before lets in none of its people (R18).
//
// There is no Scan: each question has a key. Nothing is decided on an index,
// which may be behind: it finds, and the item is read again or is a condition.
// With one exception: whether a group that is to go has partners (R34) no item
// says. Who came in a moment before is overlooked, and follows to the root.
//
// # What it may cost
//
// Measured against the local server, which counts capacity as DynamoDB does,
// and held by the tests (budget_test.go); `make bench` prints it. Units are of
// the table and its indexes together.
//
//	question                             budget                         measured
//	new roster row, of 2,000             ≤ 4 write, ≤ 0.1 request       3.04 write, 0.0995 request; of 50,000: 3.03, 0.084
//	the same again, a row                0 writes, ≤ 0.1 read           0 of it (0.04 the import's own), 0.05 read
//	join by notice                       ≤ 10 write, ≤ 3 requests       10 write, 5 read, 3 requests
//	join by link: of N, unlimited        ≤ 12 write, ≤ 3 requests       11, 9 write, 5 read, 3 requests
//	look at an invite, into a group      ≤ 2 read, ≤ 2 requests         link 1.5, for a corp or a notice 2 read, 2 requests
//	create a link                        ≤ 3 write, 1 request           3 write, 1 request; 4 of more than a kilobyte
//	a page of 50 of 1,000 or of 20,000   ≤ 8 read, ≤ 8 requests         4 read of 4 requests; 6.5 of 8 where two classes meet
//	progress of an import of 20,000      ≤ 8 read                       0.5 read
//	a notice's place in the budget                                      1 write; read in batches, 0.5 read and 0.01 request
//	an answer: opened, declined                                         4 write: the contact's, the tally's
//	a sweep                              by what is due                 4 requests, and 2 of 2 read and 2 write each
//	who is asking (Actor)                                               4 read, 2 requests
//	what they see (Sight), unchanged                                    0 without rules; else 1 read of 1 request, of a partner 2
//	what another is there (PersonIn)                                    3 read, 2 requests: whoever they are, and as many if nobody
//	a view as somebody, its entry                                       2 write, 1 read, 2 requests
//	apply; the same again                                               9 write, 5 read, 3 requests; 0 write, 2 requests
//	accept; decline an application, noted                               18 write, 5 requests; 6 write, 3 requests
//	fall into conflict                                                  2 write, 3 requests
//	revoke, resend a link                                               38, 39 write: the gates are told
//	a page of 50 invites, of all; live   a page                         2; 2.5 read, 1 to 3 requests, beside 50 or 5,000 others
//	of a maker's; of the revoked         a page                         26.5 read, 2 requests, beside 50 or 5,000 others
//	of a group's; expired; exhausted     a page                         looks through 4,000 at most: 147 read, 6 requests
//	what a switch would end                                             0 write; 1 read a 100 invites and a 10 imports of 10,000 rows
//	join by a partner's link, new corp   ≤ 12 write, ≤ 3 requests       11, 9 write, 6 read, 3 requests: with its maker's place (R08)
//	join by a member's link, under rules ≤ 6 requests                   4 to 6 requests: with its maker's role and what they see (R08)
//	migrate a group of 2,000                                            1.2 write, 1 read, 1.04 request a member
//	what search is told since                                           0.5 read, 1 request, when nothing has changed
//	a part of the feed                                                  1 write a kilobyte, 1 request; nothing that joins or imports wait for
//	how many partners have joined                                       8 read, 1 request: the gates, each apart
//	move partners, of 200                                               4.1 write, 1 read, 0.05 request a partner
//	a page of 50 of the audit list       a page                         3 read, 1 request, beside 60 or 600 others
//
// The people of a partner lie in its item, which is what makes the same
// roster again so cheap. A partner of more than some thirty people is larger
// than one unit, and each join pays for its size: 16 write units at 100
// people, 68 at 1,000, which is the most there may be (R46).
package store
