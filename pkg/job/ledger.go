package job

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Attributes of the ledger's items.
const (
	attrBody = "body"
	attrJob  = "job"
	attrTurn = "turn" // of a lock: this very taking of it, so that nobody gives back what another has taken
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
	instance string // a lease of another process is dead at once where one process owns the table

	mu   sync.Mutex
	last uint64 // time part of the last id, so that ids made here are in order
}

// NewLedger returns the ledger of a table; a process needs one. The clock must
// carry a monotonic reading (time.Now does): leases are measured with it.
func NewLedger(st *store.Store, now func() time.Time) *Ledger {
	return &Ledger{st, &process{now: now, watch: NewWatch(), instance: token()}}
}

// Over is the same ledger through another Store of the same table, whose meter
// then has the cost.
func (l *Ledger) Over(st *store.Store) *Ledger { return &Ledger{st, l.process} }

func token() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// NewID makes the id of a job: a UUIDv7 in hex without dashes, so that ids of
// whatever kind of job sort by the time of their making.
func (l *Ledger) NewID() string {
	now := l.now()
	stamp := uint64(now.UnixMilli())<<12 | uint64(now.Nanosecond()%1e6)<<12/1e6 //nolint:gosec // after 1970; RFC 9562 §6.2 method 3
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

// Number tells an import from all others in the rows that it adds: the 62 random bits of its id. 0 is none.
func Number(id string) int64 {
	n, err := strconv.ParseUint(id[max(0, len(id)-16):], 16, 64)
	if err != nil {
		return 0
	}
	return int64(n & (1<<62 - 1))
}

// Prefix is where everything that the job makes lies in the object store.
func (j *Job) Prefix() string { return "jobs/" + j.ID + "/" }

// Create stores a new job in one transaction: Running with the lock of its
// source if that is free, else Waiting. A job without a tag needs no lock. A
// job of the same Once mark is returned in its place, and nothing changes. ID
// and CreatedAt are given if they are not set. A failed condition of the extra writes is
// fault.Conflict.
func (l *Ledger) Create(ctx context.Context, j *Job, extra ...table.Write) (*Job, error) {
	for {
		writes, err := l.Prepare(ctx, j)
		if err != nil {
			return nil, err
		}
		err = l.st.Transact(ctx, append(writes, extra...)...)
		if err == nil {
			return l.created(ctx, j)
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if first, err := l.Stored(ctx, j); err != nil || first != nil {
			return first, err
		}
		// Only a lock that has been taken meanwhile is worth another try: the rest is the caller's.
		if j.Status != Running || j.Tag == 0 {
			return nil, err
		}
		if holder, err2 := l.Holder(ctx, j.Tag); err2 != nil || holder == "" {
			return nil, err
		}
	}
}

// created gives a job that came behind a lock its turn, if the lock was given back meanwhile.
func (l *Ledger) created(ctx context.Context, j *Job) (*Job, error) {
	if j.Status != Waiting {
		return j, nil
	}
	if _, err := l.NextWaiting(ctx, j.Tag); err != nil {
		return nil, err
	}
	return l.Get(ctx, j.ID)
}

// Stored finds the job that is in the ledger in j's place: itself, if a
// transaction went through although its answer was lost, or the first one of
// the same Once mark. It is nil if there is none.
func (l *Ledger) Stored(ctx context.Context, j *Job) (*Job, error) {
	id := j.ID
	if j.Once != "" {
		marks, err := l.st.Get(ctx, store.OnceKey(j.Once))
		if err != nil {
			return nil, err
		}
		if len(marks) == 1 {
			id = marks[0].Attrs.Str(attrJob)
		}
	}
	found, err := l.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // there is none, and that is an answer
	}
	return found, err
}

// Prepare gives the writes that create j, for a transaction of the caller's
// own (a change of the directory). It sets the job's id, time and status. A transaction that fails is to
// be prepared anew: the lock may have been taken meanwhile. A job in its grace period stays in it, and takes no lock.
func (l *Ledger) Prepare(ctx context.Context, j *Job) ([]table.Write, error) {
	if j.ID == "" {
		j.ID = l.NewID()
	}
	if j.CreatedAt.IsZero() {
		j.CreatedAt = l.now().UTC()
	}
	holder, err := l.Holder(ctx, j.Tag)
	if err != nil {
		return nil, err
	}
	j.Version, j.StartedAt = 1, time.Time{}
	if j.Status != Grace {
		j.Status = Waiting
	}
	writes := []table.Write{{Item: mark(openKey(j), j.ID), If: table.Cond{Op: table.Absent}}}
	if holder == "" && j.Status == Waiting {
		j.Status, j.StartedAt = Running, l.now().UTC()
		if j.Tag != 0 {
			writes = append(writes, takeLock(j.Tag, j.ID))
		}
	}
	if j.Once != "" {
		writes = append(writes, table.Write{Item: mark(store.OnceKey(j.Once), j.ID), If: table.Cond{Op: table.Absent}})
	}
	item, err := encodeJob(j)
	return append(writes, table.Write{Item: item, If: table.Cond{Op: table.Absent}}), err
}

// openKey is the key of the mark that a job has not ended.
func openKey(j *Job) table.Key {
	if j.Status == Grace && j.Erase.buries() {
		return store.GraceKey(j.Erase.Until, j.ID)
	}
	return store.OpenJobKey(j.ID)
}

// buries tells whether an erase hides single records, or what an import added. There may be many of those.
func (s *EraseSpec) buries() bool { return s != nil && (len(s.Records) > 0 || s.Import != "") }

// unmark removes the marks that a job has not ended: of erases that older versions have made there is the other one.
func unmark(j *Job) []table.Write {
	gone := []table.Write{{Item: table.Item{Key: store.OpenJobKey(j.ID)}, Delete: true}}
	if k := openKey(j); k != gone[0].Item.Key {
		gone = append(gone, table.Write{Item: table.Item{Key: k}, Delete: true})
	}
	return gone
}

func mark(k table.Key, id string) table.Item {
	return table.Item{Key: k, Attrs: table.NewBuilder().Str(attrJob, id).Attrs()}
}

func takeLock(tag store.Tag, id string) table.Write {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	turn := int64(binary.BigEndian.Uint64(b[:]) >> 1)
	attrs := table.NewBuilder().Str(attrJob, id).IntAlways(attrTurn, turn).Attrs()
	return table.Write{Item: table.Item{Key: store.LockKey(tag), Attrs: attrs}, If: table.Cond{Op: table.Absent}}
}

// Holder is the id of the job that has the lock of a source; empty if it is free, or for tag 0.
func (l *Ledger) Holder(ctx context.Context, tag store.Tag) (string, error) {
	lock, err := l.lock(ctx, tag)
	return lock.Str(attrJob), err
}

func (l *Ledger) lock(ctx context.Context, tag store.Tag) (table.Attrs, error) {
	if tag == 0 {
		return nil, nil
	}
	items, err := l.st.Get(ctx, store.LockKey(tag))
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0].Attrs, nil
}

// Lock takes the lock of one source for a job that visits many. It is false
// while another job has it.
func (l *Ledger) Lock(ctx context.Context, tag store.Tag, id string) (bool, error) {
	holder, err := l.Holder(ctx, tag)
	if err != nil || holder != "" {
		return holder == id, err
	}
	err = l.st.Transact(ctx, takeLock(tag, id))
	if !fault.Is(err, fault.Conflict) {
		return err == nil, err
	}
	holder, err = l.Holder(ctx, tag)
	return holder == id, err
}

// Unlock gives back what Lock took, and starts the job that waits for the
// source longest, which it returns; nil if there is none.
func (l *Ledger) Unlock(ctx context.Context, tag store.Tag, id string) (*Job, error) {
	lock, err := l.lock(ctx, tag)
	if err != nil {
		return nil, err
	}
	if lock.Str(attrJob) == id {
		err = l.st.Transact(ctx, unlocking(tag, lock))
		if err != nil && !fault.Is(err, fault.Conflict) { // a conflict: it was given back already
			return nil, err
		}
	}
	return l.NextWaiting(ctx, tag)
}

// Unlocking is the write that gives back what Lock took, for a transaction of the caller's own, which is a
// fault.Conflict if the lock is another's by then. So is this if it is already.
func (l *Ledger) Unlocking(ctx context.Context, tag store.Tag, id string) (table.Write, error) {
	lock, err := l.lock(ctx, tag)
	if err == nil && lock.Str(attrJob) != id {
		err = fault.New(fault.Conflict, "lock_lost", "the lock of the source is another's by now")
	}
	return unlocking(tag, lock), err
}

func unlocking(tag store.Tag, lock table.Attrs) table.Write {
	turn, _ := lock.Int(attrTurn)
	return table.Write{
		Item: table.Item{Key: store.LockKey(tag)}, Delete: true,
		If: table.Cond{Op: table.Equals, Attr: attrTurn, N: turn},
	}
}

// Get reads a job. One that does not exist is fault.NotFound.
func (l *Ledger) Get(ctx context.Context, id string) (*Job, error) {
	jobs, err := l.get(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, fault.New(fault.NotFound, "job_not_found", "there is no such job")
	}
	return jobs[0], nil
}

func (l *Ledger) get(ctx context.Context, ids []string) ([]*Job, error) {
	keys := make([]table.Key, len(ids))
	for i, id := range ids {
		keys[i] = store.JobKey(id)
	}
	found, err := l.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	jobs := make([]*Job, 0, len(found))
	for _, k := range keys {
		attrs, ok := found[k]
		if !ok {
			continue
		}
		j, err := decodeJob(attrs)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// List gives jobs, newest first: at most limit, and only those made before the
// job of id before, unless that is empty.
func (l *Ledger) List(ctx context.Context, limit int, before string) ([]*Job, error) {
	var jobs []*Job
	for j, err := range l.All(ctx, limit, before) {
		if err != nil {
			return nil, err
		}
		if jobs = append(jobs, j); len(jobs) == limit {
			break
		}
	}
	return jobs, nil
}

// All walks the jobs, newest first, reading page of them at a time: those made before the job of id before, unless that
// is empty.
func (l *Ledger) All(ctx context.Context, page int, before string) iter.Seq2[*Job, error] {
	q := table.Query{
		PK: store.AccountPK, From: store.SKJob, To: store.After(store.SKJob),
		Limit: page, Reverse: true,
	}
	if before != "" {
		q.After = store.JobKey(before).SK
	}
	return func(yield func(*Job, error) bool) {
		for item, err := range l.st.Items(ctx, q) {
			var j *Job
			if err == nil {
				j, err = decodeJob(item.Attrs)
			}
			if !yield(j, err) || err != nil {
				return
			}
		}
	}
}

// Open gives the jobs that have not ended, oldest first, but for erases of single records that can still be restored: see
// [Ledger.Graces].
func (l *Ledger) Open(ctx context.Context) ([]*Job, error) {
	q := table.Query{PK: store.AccountPK, From: store.SKOpen, To: store.After(store.SKOpen)}
	return l.marked(ctx, q, func(sk string) string { return strings.TrimPrefix(sk, store.SKOpen) })
}

// Graces gives erases of single records, or of what an import added, that can be restored up to a time, in the order of
// those times; zero is all. Those that older versions have made are among the open jobs.
func (l *Ledger) Graces(ctx context.Context, until time.Time) ([]*Job, error) {
	return l.marked(ctx, store.GracesUntil(until), store.GraceJob)
}

// marked gives the jobs of some marks that have not ended.
func (l *Ledger) marked(ctx context.Context, q table.Query, idOf func(sk string) string) ([]*Job, error) {
	var ids []string
	q.KeysOnly = true
	for item, err := range l.st.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, idOf(item.SK))
	}
	jobs, err := l.get(ctx, ids)
	open := jobs[:0]
	for _, j := range jobs {
		if !j.Status.Ended() { // it may have ended since its mark was read
			open = append(open, j)
		}
	}
	return open, err
}

// Resume begins a planned job again, as if it were made now: Running with the lock
// of its source, or Waiting. A job that is not planned is fault.Conflict. Further writes that change gives go into the
// same transaction. An error of change ends it, with nothing written.
func (l *Ledger) Resume(ctx context.Context, id string, change func(*Job) ([]table.Write, error)) (*Job, error) {
	return l.begin(ctx, id, Planned, change)
}

// Due begins an erase whose grace period is over, like [Ledger.Resume]. One that is not in it is fault.Conflict.
func (l *Ledger) Due(ctx context.Context, id string) (*Job, error) {
	return l.begin(ctx, id, Grace, func(*Job) ([]table.Write, error) { return nil, nil })
}

func (l *Ledger) begin(ctx context.Context, id string, from Status, change func(*Job) ([]table.Write, error)) (*Job, error) {
	for {
		j, err := l.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if j.Status != from {
			what := "a plan that waits to be applied"
			if from == Grace {
				what = "an erase in its grace period"
			}
			return nil, fault.Newf(fault.Conflict, "not_"+string(from), "the job is not %s: it is %s", what, j.Status)
		}
		writes, err := change(j)
		if err != nil {
			return nil, err
		}
		holder, err := l.Holder(ctx, j.Tag)
		if err != nil {
			return nil, err
		}
		marks := unmark(j)
		j.Status, j.StartedAt, j.EndedAt = Waiting, time.Time{}, time.Time{}
		marks[0] = table.Write{Item: mark(openKey(j), id)}
		writes = append(writes, marks...)
		if holder == "" {
			j.Status, j.StartedAt = Running, l.now().UTC()
			if j.Tag != 0 {
				writes = append(writes, takeLock(j.Tag, id))
			}
		}
		write, err := l.next(j)
		if err != nil {
			return nil, err
		}
		err = l.st.Transact(ctx, append(writes, write)...)
		if err == nil {
			return l.created(ctx, j)
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if same, err := l.holds(ctx, write.Item); same || err != nil {
			return j, err
		}
	}
}

// Update changes a job on condition that nobody else has meanwhile, else all
// over again. Status is not to be changed here. An error of change ends it, with nothing written.
func (l *Ledger) Update(ctx context.Context, id string, change func(*Job) error) (*Job, error) {
	return l.change(ctx, id, change, func(*Job) ([]table.Write, error) { return nil, nil })
}

// Changed is the write that changes a job, for a transaction of the caller's own (see [Ledger.Create]), which is a
// fault.Conflict if somebody else has changed the job meanwhile. Status is not to be changed here.
func (l *Ledger) Changed(ctx context.Context, id string, change func(*Job) error) (table.Write, error) {
	j, err := l.Get(ctx, id)
	if err == nil {
		err = change(j)
	}
	if err != nil {
		return table.Write{}, err
	}
	return l.next(j)
}

// Ending gives the writes that end a job which holds no lock, for a transaction of the caller's own: change sets its last
// state. They are a fault.Conflict if somebody else has changed the job meanwhile, and so is a job that has ended.
func (l *Ledger) Ending(ctx context.Context, id string, change func(*Job) error) (*Job, []table.Write, error) {
	j, err := l.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	gone := unmark(j)
	if err := l.ending(change)(j); err != nil {
		return nil, nil, err
	}
	write, err := l.next(j)
	return j, append(gone, write), err
}

// End lets change set the job's last state, in which nothing goes on by itself, and
// gives back the lock of its source in the same transaction. Then it starts
// the job that waits for the source longest, and returns that too; nil if
// there is none. A job that has ended already stays as it is.
func (l *Ledger) End(ctx context.Context, id string, change func(*Job) error) (ended, next *Job, err error) {
	was, err := l.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if ended = was; !was.Status.Ended() {
		ended, err = l.change(ctx, id, l.ending(change), func(j *Job) ([]table.Write, error) {
			gone := unmark(j)
			lock, err := l.lock(ctx, j.Tag)
			if lock.Str(attrJob) == id {
				gone = append(gone, unlocking(j.Tag, lock))
			}
			return gone, err
		})
		if fault.CodeOf(err) == codeEnded { // somebody was faster, or an answer was lost

			ended, err = l.Get(ctx, id)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	next, err = l.NextWaiting(ctx, ended.Tag)
	return ended, next, err
}

const codeEnded = "job_ended"

func (l *Ledger) ending(change func(*Job) error) func(*Job) error {
	return func(j *Job) error {
		if j.Status.Ended() {
			return fault.New(fault.Conflict, codeEnded, "the job has ended")
		}
		if err := change(j); err != nil {
			return err
		}
		if !j.Status.Ended() {
			return fault.New(fault.Internal, "job_not_ended", "a job must end in a state of the end")
		}
		j.EndedAt = l.now().UTC()
		return nil
	}
}

func (l *Ledger) change(ctx context.Context, id string, change func(*Job) error, more func(*Job) ([]table.Write, error)) (*Job, error) {
	for {
		j, err := l.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		writes, err := more(j)
		if err != nil {
			return nil, err
		}
		if err := change(j); err != nil {
			return nil, err
		}
		write, err := l.next(j)
		if err != nil {
			return nil, err
		}
		err = l.st.Transact(ctx, append(writes, write)...)
		if err == nil {
			return j, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if same, err := l.holds(ctx, write.Item); same || err != nil {
			return j, err
		}
	}
}

// holds tells whether the table holds exactly this item: then a conflict only
// means that an earlier try of the same write went through and its answer was lost.
func (l *Ledger) holds(ctx context.Context, item table.Item) (bool, error) {
	stored, err := l.st.Get(ctx, item.Key)
	return err == nil && len(stored) == 1 && bytes.Equal(stored[0].Attrs, item.Attrs), err
}

// NextWaiting starts the job that waits longest for a source whose lock is
// free. It is nil if there is none to start.
func (l *Ledger) NextWaiting(ctx context.Context, tag store.Tag) (*Job, error) {
	if tag == 0 {
		return nil, nil //nolint:nilnil // jobs of every source never wait
	}
	open, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range open {
		if j.Tag == tag && j.Status == Waiting {
			return l.start(ctx, j)
		}
	}
	return nil, nil //nolint:nilnil // nobody waits
}

// StartWaiting starts whatever waits for a lock that is free, one job a
// source: what a process did not get to between giving a lock back and starting the next one.
func (l *Ledger) StartWaiting(ctx context.Context) ([]*Job, error) {
	open, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	var started []*Job
	seen := map[store.Tag]bool{}
	for _, j := range open {
		if j.Status != Waiting || seen[j.Tag] {
			continue
		}
		seen[j.Tag] = true
		s, err := l.start(ctx, j)
		if err != nil {
			return started, err
		}
		if s != nil {
			started = append(started, s)
		}
	}
	return started, nil
}

// start makes a waiting job a running one, with the lock. It is nil if the
// lock is not free, or somebody else has started the job.
func (l *Ledger) start(ctx context.Context, j *Job) (*Job, error) {
	holder, err := l.Holder(ctx, j.Tag)
	if err != nil || holder != "" {
		return nil, err
	}
	j.Status, j.StartedAt = Running, l.now().UTC()
	write, err := l.next(j)
	if err != nil {
		return nil, err
	}
	err = l.st.Transact(ctx, takeLock(j.Tag, j.ID), write)
	if fault.Is(err, fault.Conflict) {
		return nil, nil //nolint:nilnil // somebody was faster
	}
	return j, err
}

// next is the conditional write of the job's next version.
func (l *Ledger) next(j *Job) (table.Write, error) {
	was := j.Version
	j.Version++
	item, err := encodeJob(j)
	return table.Write{Item: item, If: table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: was}}, err
}

func encodeJob(j *Job) (table.Item, error) {
	return encode(store.JobKey(j.ID), j.Version, j)
}

func encode(k table.Key, version int64, v any) (table.Item, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return table.Item{}, fault.Wrap(err, fault.Internal, "ledger", "encode an item of the ledger")
	}
	attrs := table.NewBuilder().IntAlways(store.AttrVersion, version).Str(attrBody, string(body)).Attrs()
	return table.Item{Key: k, Attrs: attrs}, nil
}

func decodeJob(a table.Attrs) (*Job, error) {
	j := &Job{}
	if err := json.Unmarshal([]byte(a.Str(attrBody)), j); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "ledger", "read a job")
	}
	j.Version, _ = a.Int(store.AttrVersion)
	return j, nil
}
