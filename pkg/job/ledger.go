package job

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	mathrand "math/rand/v2"
	"strconv"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/later"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Attributes of the ledger's items.
const (
	attrBody = "body"
	attrJob  = "job" // of marks and locks
)

// Ledger keeps the jobs and their tasks in the table. It is safe for concurrent use.
type Ledger struct {
	st *store.Store
	*process
}

// process is what all ledgers of one process share.
type process struct {
	now      func() time.Time
	watch    *Watch
	instance string // begins the holders of this process: if one process owns the table, other holders are dead

	mu   sync.Mutex
	last uint64 // time part of the last id: the next one must be larger

	read recent
}

// NewLedger returns the ledger of a table. A process makes one only, and derives others with Over.
// The times of now must carry a monotonic reading, like those from time.Now, since leases are
// measured with it.
func NewLedger(st *store.Store, now func() time.Time) *Ledger {
	return &Ledger{st, &process{now: now, watch: NewWatch(), instance: token()}}
}

// Over returns the same ledger over another Store of the same table, whose meter counts the cost.
func (l *Ledger) Over(st *store.Store) *Ledger { return &Ledger{st, l.process} }

func token() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// NewID makes the id of a job: a UUIDv7 in hex without dashes, so that the ids of all kinds of jobs
// sort by the time at which they were made.
func (l *Ledger) NewID() string {
	now := l.now()
	stamp := uint64(now.UnixMilli())<<12 | uint64(now.Nanosecond()%1e6)<<12/1e6 //nolint:gosec // after 1970; RFC 9562, section 6.2, method 3
	l.mu.Lock()
	stamp = max(stamp, l.last+1)
	l.last = stamp
	l.mu.Unlock()
	var b [16]byte
	_, _ = rand.Read(b[8:]) // never fails (crypto/rand)
	binary.BigEndian.PutUint64(b[:8], stamp>>12<<16|7<<12|stamp&0xfff)
	b[8] = b[8]&0x3f | 0x80
	return hex.EncodeToString(b[:])
}

// Number returns the number that identifies an import in the rows that it adds: the 62 random bits
// of its id. It is 0 if the id has none.
func Number(id string) int64 {
	n, err := strconv.ParseUint(id[max(0, len(id)-16):], 16, 64)
	if err != nil {
		return 0
	}
	return int64(n & (1<<62 - 1))
}

// Prefix is the folder in the object store that holds everything that the job makes.
func (j *Job) Prefix() string { return "jobs/" + j.ID + "/" }

// commit does a transaction. done tells whether it took effect: also if its answer was lost, which
// shows in item, one of those that it writes. If it is neither done nor failed, something has
// changed meanwhile, and the caller begins again.
func (l *Ledger) commit(ctx context.Context, item table.Item, writes ...table.Write) (done bool, err error) {
	err = l.st.Transact(ctx, writes...)
	if !fault.Is(err, fault.Conflict) {
		return err == nil, err
	}
	return l.holds(ctx, item)
}

// holds tells whether the table holds exactly this item. If it does, a conflict only means that the
// same write was applied before, and its answer was lost.
func (l *Ledger) holds(ctx context.Context, item table.Item) (bool, error) {
	stored, err := l.st.Get(ctx, item.Key)
	return err == nil && len(stored) == 1 && bytes.Equal(stored[0].Attrs, item.Attrs), err
}

// step is the most by which the version of a job grows. It grows by a random number, so that two
// workers that make the same change at the same moment write different items: else the one that comes
// too late would take the other's write for its own (see holds).
const step = 1 << 20

// next returns the conditional write of the job's next version.
func (l *Ledger) next(j *Job) (table.Write, error) {
	was := j.Version
	j.Version += 1 + mathrand.Int64N(step) //nolint:gosec // no secret
	item, err := encodeJob(j)
	return table.Write{Item: item, If: table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: was}}, err
}

func encodeJob(j *Job) (table.Item, error) {
	return encode(store.JobKey(j.ID), j.Version, j)
}

func encode(k table.Key, version int64, v any) (table.Item, error) {
	body, err := later.Marshal(v)
	if err != nil {
		return table.Item{}, fault.Wrap(err, fault.Internal, "ledger", "encode an item of the ledger")
	}
	attrs := table.NewBuilder().IntAlways(store.AttrVersion, version).Str(attrBody, string(body)).Attrs()
	return table.Item{Key: k, Attrs: attrs}, nil
}

func decodeJob(a table.Attrs) (*Job, error) {
	j := &Job{}
	if err := later.Unmarshal([]byte(a.Str(attrBody)), j); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "ledger", "read a job")
	}
	j.Version, _ = a.Int(store.AttrVersion)
	return j, nil
}
