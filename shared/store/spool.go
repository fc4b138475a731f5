package store

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tributary-app/tributary/shared/network"
)

// ChunkRows is how many rows of a roster are planned, written and told of
// together: big enough that the keeping of it costs a row less than a tenth
// of a request, small enough that its plan is one small item.
const ChunkRows = 250

// rowsKept is how long an import's rows and its plan are kept: twice as long
// as the longest notice lives. They are a copy of the roster, and by then what
// has come of it is in the chain.
const rowsKept = 180 * 24 * time.Hour

// Spool takes in the checked rows of a roster, while it is still being read: a
// chunk is one item, deflated, and nothing of the chain is touched. Until the
// file was read whole and KeepRows has said so, they count for nothing; to
// read it again writes the same bytes over them.
type Spool struct {
	s     *Store
	ctx   context.Context
	imp   network.Import
	namer *network.RowNamer
	pack  packer
	rows  []network.RosterRow
	ids   []network.RowIDs
	full  []types.WriteRequest // chunks that wait to be written
	n     int                  // chunks
	total int                  // rows
	run   Run
	beat  time.Time // when the rows read were last written down
}

// Spool begins to take in an import's rows.
func (s *Store) Spool(ctx context.Context, imp network.Import, key network.PersonKey, run Run) *Spool {
	return &Spool{s: s, ctx: ctx, imp: imp, namer: network.NewRowNamer(imp.Chain, key), run: run, beat: time.Now()}
}

// Add takes in the next row. It is the caller's again afterwards, its strings
// may not change until Close. ErrStopped if the import was cancelled meanwhile.
func (p *Spool) Add(r *network.RosterRow) error {
	p.rows = append(p.rows, *r)
	p.ids = append(p.ids, p.namer.IDs(r))
	p.total++
	if len(p.rows) < ChunkRows {
		return nil
	}
	p.chunk()
	if len(p.full) < bulk {
		return nil
	}
	return p.flush()
}

// Close writes what is left, and gives how many rows there were.
func (p *Spool) Close() (rows int, err error) {
	if len(p.rows) > 0 {
		p.chunk()
	}
	return p.total, p.flush()
}

func (p *Spool) chunk() {
	p.full = append(p.full, p.s.chunkWrite(rowsKey(p.imp.Chain, p.imp.ID, p.n), p.pack.rows(p.rows, p.ids), p.imp))
	p.rows, p.ids = p.rows[:0], p.ids[:0]
	p.n++
}

func (p *Spool) flush() error {
	if err := p.s.writeAll(p.ctx, p.full); err != nil {
		return wrap("spool", err)
	}
	p.full = p.full[:0]
	if time.Since(p.beat) < beatEvery {
		return nil
	}
	p.beat = time.Now()
	return p.s.beat(p.ctx, p.imp, network.ImportReading, p.total, p.run.Now())
}

// chunkWrite is the write of a packed chunk; it takes the place of one that an
// earlier run has written.
func (s *Store) chunkWrite(k key, packed []byte, imp network.Import) types.WriteRequest {
	item := k.attrs()
	item["Rows"] = &types.AttributeValueMemberB{Value: packed}
	item["DeleteAt"] = &types.AttributeValueMemberN{Value: fmt.Sprint(imp.StartedAt.Add(rowsKept).Unix())}
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}
}

// writeAll puts or deletes items, 25 a request (the limit of BatchWriteItem),
// without a condition.
func (s *Store) writeAll(ctx context.Context, all []types.WriteRequest) error {
	for len(all) > 0 {
		part := all[:min(len(all), bulk)]
		all = all[len(part):]
		err := retry(ctx, func(int) (bool, error) {
			out, err := s.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: part}})
			if err != nil {
				return false, err
			}
			part = out.UnprocessedItems[s.table]
			return len(part) > 0, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropRows forgets an import's rows and its plan.
func (s *Store) dropRows(ctx context.Context, chain, imp string) error {
	for part := 0; ; part++ {
		n, err := s.dropPartition(ctx, rowsPartition(chain, imp, part))
		if err != nil || n == 0 {
			return errors.Join(err, s.dropSide(ctx, chain, imp))
		}
	}
}

func (s *Store) dropSide(ctx context.Context, chain, imp string) error {
	_, err := s.dropPartition(ctx, sidePartition(chain, imp))
	return err
}

func (s *Store) dropPartition(ctx context.Context, pk string) (n int, err error) {
	var gone []types.WriteRequest
	err = s.queryKeys(ctx, pk, func(k key) {
		gone = append(gone, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k.attrs()}})
	})
	if err != nil {
		return 0, err
	}
	return len(gone), s.writeAll(ctx, gone)
}

// A chunk's rows are kept like this: a byte that says so, how many there are,
// ten bytes of an id of each, and deflated all they say, column by column, that
// like stands by like. A refused row keeps of what it says only what is wrong
// with it; its id is the partner's, else the person's.
const rowsVersion = 1

const (
	rowLeads = 1 << iota
	rowRefused
	rowOfSame // of the same corp as the row above, with the same 自定义企业ID
	rowCustom
	rowMember
	rowPlain // the phone is + and a number
)

// packer packs chunks. It is for one goroutine.
type packer struct {
	out bytes.Buffer
	w   *flate.Writer
	b   []byte
}

func (p *packer) rows(rows []network.RosterRow, ids []network.RowIDs) []byte {
	p.out.Reset()
	b := binary.AppendUvarint(append(p.b[:0], rowsVersion), uint64(len(rows)))
	for i := range rows {
		if rows[i].Code != "" {
			b = append(b, ids[i].Partner[:]...)
		} else {
			b = append(b, ids[i].Person[:]...)
		}
	}
	p.out.Write(b)
	b = b[:0]

	// Groups are few; each is kept once, and named by its number.
	var paths []string
	number := map[string]uint64{}
	path := func(group []string) uint64 {
		if len(group) == 0 {
			return 0
		}
		joined := strings.Join(group, "/")
		n, ok := number[joined]
		if !ok {
			paths = append(paths, joined)
			n = uint64(len(paths))
			number[joined] = n
		}
		return n
	}
	last := 0
	for i := range rows {
		b = binary.AppendVarint(b, int64(rows[i].Number-last))
		last = rows[i].Number
	}
	for i := range rows {
		b = append(b, flagsOf(rows, i))
	}
	for i := range rows {
		if rows[i].Code == "" {
			b = binary.AppendUvarint(b, path(rows[i].Group))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(paths)))
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, path := range paths {
		text(path)
	}
	for i := range rows {
		r, is := &rows[i], flagsOf(rows, i)
		if is&rowRefused != 0 {
			text(r.Code)
			text(r.Field)
			text(r.Detail)
			continue
		}
		if is&rowOfSame == 0 {
			text(r.Corp)
			if is&rowCustom != 0 {
				text(r.CustomID)
			}
		}
	}
	for i := range rows {
		r, is := &rows[i], flagsOf(rows, i)
		if is&rowRefused != 0 {
			continue
		}
		text(r.Contact)
		if is&rowMember != 0 {
			text(r.MemberCustomID)
		}
	}
	for i := range rows {
		r, is := &rows[i], flagsOf(rows, i)
		switch n, plain := phoneNumber(r.Phone); {
		case is&rowRefused != 0:
		case plain:
			b = binary.BigEndian.AppendUint64(b, n)
		default:
			text(r.Phone)
		}
	}
	p.b = b
	p.deflate(b)
	return bytes.Clone(p.out.Bytes())
}

func flagsOf(rows []network.RosterRow, i int) (is byte) {
	r := &rows[i]
	if r.Code != "" {
		return rowRefused
	}
	if r.Leader {
		is |= rowLeads
	}
	if i > 0 && rows[i-1].Code == "" && rows[i-1].Corp == r.Corp && rows[i-1].CustomID == r.CustomID {
		is |= rowOfSame
	}
	if r.CustomID != "" {
		is |= rowCustom
	}
	if r.MemberCustomID != "" {
		is |= rowMember
	}
	if _, plain := phoneNumber(r.Phone); plain {
		is |= rowPlain
	}
	return is
}

// phoneNumber is the number of an E.164 phone, if that is all it is.
func phoneNumber(phone string) (n uint64, plain bool) {
	if len(phone) < 2 || len(phone) > 17 || phone[0] != '+' || phone[1] == '0' {
		return 0, false
	}
	for _, c := range []byte(phone[1:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return n, true
}

func (p *packer) deflate(b []byte) {
	if p.w == nil {
		p.w, _ = flate.NewWriter(&p.out, flate.BestSpeed) // the level is one
	}
	p.w.Reset(&p.out)
	p.w.Write(b) // into a buffer: can't fail
	p.w.Close()
}

// errChunk says that a chunk isn't what was kept.
var errChunk = errors.New("a chunk that nobody packed")

// chunk is a chunk's rows, with whom they name.
type chunk struct {
	rows []network.RosterRow
	ids  []network.RowIDs
}

// unpacker unpacks chunks into the same room again. It is for one goroutine.
type unpacker struct {
	chunk
	namer *network.RowNamer
	z     io.ReadCloser
	src   bytes.Reader
	in    bytes.Buffer
}

func newUnpacker(chain string) *unpacker {
	return &unpacker{namer: network.NewRowNamer(chain, nil), z: takeInflater()}
}

// inflaters are kept, for each has forty kilobytes.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func takeInflater() io.ReadCloser { return inflaters.Get().(io.ReadCloser) }

// close gives back what can be used again; the unpacker is no more.
func (u *unpacker) close() { inflaters.Put(u.z) }

func (u *unpacker) inflate(b []byte) (string, error) {
	u.src.Reset(b)
	if err := u.z.(flate.Resetter).Reset(&u.src, nil); err != nil {
		return "", err
	}
	u.in.Reset()
	_, err := u.in.ReadFrom(u.z)
	return u.in.String(), err
}

// unpack reads a chunk. Its strings are good for ever, all else until the next.
func (u *unpacker) unpack(packed []byte) (chunk, error) {
	u.rows, u.ids = u.rows[:0], u.ids[:0]
	raw := cut{string(packed[:min(len(packed), 12)]), false}
	if raw.byte() != rowsVersion {
		return chunk{}, errChunk
	}
	n := int(raw.uint())
	at := min(len(packed), 12) - len(raw.s)
	const id = len(network.RawID{})
	if raw.bad || n > ChunkRows || len(packed) < at+n*id {
		return chunk{}, errChunk
	}
	text, err := u.inflate(packed[at+n*id:])
	if err != nil {
		return chunk{}, fmt.Errorf("%w: %w", errChunk, err)
	}
	c := cut{text, false}
	last := 0
	for range n {
		last += int(c.int())
		u.rows = append(u.rows, network.RosterRow{Number: last})
	}
	flags := c.take(n)
	paths := make([]uint64, n)
	for i := range flags {
		if flags[i]&rowRefused == 0 {
			paths[i] = c.uint()
		}
	}
	groups := make([][]string, 1, 8)
	for range c.uint() {
		if c.bad {
			break
		}
		groups = append(groups, strings.Split(c.text(), "/"))
	}
	for i := range flags {
		r := &u.rows[i]
		switch is := flags[i]; {
		case is&rowRefused != 0:
			r.Code, r.Field, r.Detail = c.text(), c.text(), c.text()
		case is&rowOfSame != 0 && i > 0:
			r.Corp, r.CustomID = u.rows[i-1].Corp, u.rows[i-1].CustomID
		default:
			r.Corp = c.text()
			if is&rowCustom != 0 {
				r.CustomID = c.text()
			}
		}
	}
	for i := range flags {
		if flags[i]&rowRefused == 0 {
			u.rows[i].Contact = c.text()
			if flags[i]&rowMember != 0 {
				u.rows[i].MemberCustomID = c.text()
			}
			u.rows[i].Leader = flags[i]&rowLeads != 0
			if paths[i] >= uint64(len(groups)) {
				return chunk{}, errChunk
			}
			u.rows[i].Group = groups[paths[i]]
		}
	}
	phones := make([]byte, 0, 17*n)
	for i := range flags {
		switch {
		case flags[i]&rowRefused != 0:
		case flags[i]&rowPlain != 0:
			b := c.take(8)
			if len(b) == 8 {
				phones = appendPhone(phones, binary.BigEndian.Uint64([]byte(b)))
			}
		default:
			u.rows[i].Phone = c.text()
		}
	}
	if c.bad || c.s != "" {
		return chunk{}, errChunk
	}
	all := string(phones)
	for i := range flags {
		if flags[i]&(rowRefused|rowPlain) == rowPlain {
			end := len(all)
			if next := strings.IndexByte(all[1:], '+'); next >= 0 {
				end = 1 + next
			}
			u.rows[i].Phone, all = all[:end], all[end:]
		}
	}
	for i := range flags {
		var ids network.RowIDs
		b := packed[at+i*id : at+(i+1)*id]
		if flags[i]&rowRefused != 0 {
			copy(ids.Partner[:], b)
		} else {
			copy(ids.Person[:], b)
			if flags[i]&rowOfSame != 0 && i > 0 {
				ids.Partner = u.ids[i-1].Partner
			} else {
				ids.Partner = u.namer.Partner(&u.rows[i])
			}
		}
		u.ids = append(u.ids, ids)
	}
	return u.chunk, nil
}

func appendPhone(b []byte, n uint64) []byte {
	var digits [20]byte
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	return append(append(b, '+'), digits[at:]...)
}

// cut takes a packed text apart; bad once something was missing.
type cut struct {
	s   string
	bad bool
}

func (c *cut) take(n int) string {
	if n < 0 || n > len(c.s) {
		c.bad = true
		return ""
	}
	out := c.s[:n]
	c.s = c.s[n:]
	return out
}

func (c *cut) byte() byte {
	if s := c.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (c *cut) uint() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := c.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	c.bad = true
	return 0
}

func (c *cut) int() int64 {
	u := c.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (c *cut) text() string { return c.take(int(min(c.uint(), 1<<30))) }
