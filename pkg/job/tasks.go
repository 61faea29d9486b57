package job

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/later"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// LeaseLength is how long a lease must be seen unchanged before it may be taken over.
const LeaseLength = time.Minute

// RequestLifetime is the longest time that one request to the table may take. Writers stop that
// long before their lease could be taken over, since a batch write that was sent cannot be stopped.
const RequestLifetime = 20 * time.Second

// renewEvery is short enough that more than one renewal may fail before the lease is lost.
const renewEvery = 10 * time.Second

// TaskState is where a task stands.
type TaskState string

// The states of a task.
const (
	TaskTodo TaskState = "todo"
	TaskDone TaskState = "done"
)

// Task is one piece of a job's work. Its id is unique in the job and begins
// with its phase and a slash, so that the tasks of a phase are one range of keys.
type Task struct {
	ID      string          `json:"-"` // e.g. "1 map/0007"
	Job     string          `json:"-"`
	Phase   string          `json:"phase"` // e.g. "1 map"
	State   TaskState       `json:"state"`
	Holder  string          `json:"holder,omitempty"` // the worker that claimed it
	Counter int64           `json:"counter"`          // changes as long as the holder is alive
	Begun   int             `json:"begun,omitempty"`  // how many workers have claimed it, see [Signs]
	SeenAt  time.Time       `json:"seen_at,omitzero"` // when it was stored, see [Signs]
	Result  json.RawMessage `json:"result,omitempty"` // of a done task; of another one, its result so far
	Version int64           `json:"-"`                // of the stored item
	Later   later.Fields    `json:"-"`
}

// CreateTasks stores tasks of a job, except tasks that are stored already.
func (l *Ledger) CreateTasks(ctx context.Context, job string, tasks []Task) error {
	keys := make([]table.Key, len(tasks))
	for i, t := range tasks {
		if !strings.HasPrefix(t.ID, t.Phase+"/") {
			return fault.New(fault.Internal, "task_id", "a task's id begins with its phase")
		}
		keys[i] = store.TaskKey(job, t.ID)
	}
	there, err := l.st.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, t := range tasks {
		if _, ok := there[keys[i]]; ok {
			continue
		}
		t.Job, t.Version, t.SeenAt = job, 1, l.now().UTC()
		if t.State == "" {
			t.State = TaskTodo
		}
		g.Go(func() error {
			item, err := encode(keys[i], t.Version, t)
			if err != nil {
				return err
			}
			err = l.st.Transact(ctx, table.Write{Item: item, If: table.Cond{Op: table.Absent}})
			if err != nil && !fault.Is(err, fault.Conflict) { // a conflict means that another process has stored it
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

// Tasks reads the tasks of a job whose ids begin with the prefix ("1 map/";
// empty for all), in the order of their ids.
func (l *Ledger) Tasks(ctx context.Context, job, prefix string) ([]Task, error) {
	q := table.Query{PK: store.TaskPK(job), From: store.SKTask + prefix, To: store.After(store.SKTask + prefix)}
	var tasks []Task
	for item, err := range l.st.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		t, err := decodeTask(job, item)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// PhasePull is the phase in which what a pull reads is frozen.
const PhasePull = "0 pull"

// DropPull deletes what the reading of a pull that has ended has left in its task: how far it came, which may name customers.
func (l *Ledger) DropPull(ctx context.Context, job string) error {
	tasks, err := l.Tasks(ctx, job, PhasePull+"/")
	if err != nil || len(tasks) == 0 {
		return err
	}
	var gone []table.Write
	for _, t := range tasks {
		gone = append(gone, table.Write{Item: table.Item{Key: store.TaskKey(job, t.ID)}, Delete: true})
	}
	return l.st.Write(ctx, gone)
}

// Task reads one task. The error is fault.NotFound if it does not exist.
func (l *Ledger) Task(ctx context.Context, job, id string) (Task, error) {
	items, err := l.st.Get(ctx, store.TaskKey(job, id))
	if err != nil {
		return Task{}, err
	}
	if len(items) == 0 {
		return Task{}, fault.New(fault.NotFound, "task_not_found", "there is no such task")
	}
	return decodeTask(job, items[0])
}

func decodeTask(job string, item table.Item) (Task, error) {
	var t Task
	if err := later.Unmarshal([]byte(item.Attrs.Str(attrBody)), &t); err != nil {
		return t, fault.Wrap(err, fault.Internal, "ledger", "read a task")
	}
	t.Job, t.ID = job, strings.TrimPrefix(item.SK, store.SKTask)
	t.Version, _ = item.Attrs.Int(store.AttrVersion)
	return t, nil
}

// NewHolder makes a name for one worker of this process.
func (l *Ledger) NewHolder() string { return l.instance + "." + token() }

// Claim gives a task to a holder. The error is fault.Conflict if the task is done, and fault.Busy
// while another holder has it and its lease has not run out. To take over a lease, a process must
// have seen it unchanged for its whole length (see [Watch]): so call Claim again later.
func (l *Ledger) Claim(ctx context.Context, t Task, holder string) (Task, error) {
	t, err := l.Task(ctx, t.Job, t.ID)
	if err != nil {
		return t, err
	}
	if t.State == TaskDone {
		l.watch.Forget(t)
		return t, fault.New(fault.Conflict, "task_done", "the task is done")
	}
	if t.Holder != "" && t.Holder != holder && !l.dead(t) {
		return t, fault.New(fault.Busy, "task_held", "another worker has this task")
	}
	if t.Holder != holder {
		t.Begun++
	}
	t.Holder = holder
	t.Counter++
	if t, err = l.store(ctx, holder, t); err == nil {
		l.watch.Forget(t)
	}
	if fault.Is(err, fault.Conflict) {
		err = fault.Wrap(err, fault.Busy, "task_held", "another worker was faster")
	}
	return t, err
}

// Undone reads the tasks of a job's phase that are not done; none before its first phase.
func (l *Ledger) Undone(ctx context.Context, j *Job) ([]Task, error) {
	if j.Stage == "" {
		return nil, nil
	}
	tasks, err := l.Tasks(ctx, j.ID, j.Stage+"/")
	return slices.DeleteFunc(tasks, func(t Task) bool { return t.State == TaskDone }), err
}

// TakeAll claims all undone tasks of a job that is to end, so that none of them can begin any more. It
// returns the job and all its tasks. The job is nil if it has ended already, or if another worker
// still has a task: each worker calls TakeAll when it stops, and so does the tick.
func (l *Ledger) TakeAll(ctx context.Context, id string) (*Job, []Task, error) {
	for {
		j, err := l.Get(ctx, id)
		if err != nil || j.Status.Ended() {
			return nil, nil, err
		}
		tasks, err := l.Tasks(ctx, id, "")
		if err != nil {
			return nil, nil, err
		}
		held, err := l.claimAll(ctx, tasks)
		if err != nil {
			return nil, nil, err
		}
		if held == "" {
			return j, tasks, nil
		}
		// The worker that held it may have stopped, called TakeAll, and left because of a task that
		// we had claimed by then.
		t, err := l.Task(ctx, id, held)
		if err != nil || t.State != TaskDone && t.Holder != "" {
			return nil, nil, err
		}
	}
}

// claimAll claims all undone tasks of a list, and puts them into the list as they are then. If another
// worker holds one, claimAll releases what it has claimed, and returns the id of that task.
func (l *Ledger) claimAll(ctx context.Context, tasks []Task) (held string, err error) {
	holder := l.NewHolder()
	var taken []Task
	for i, t := range tasks {
		if t.State == TaskDone {
			continue
		}
		t, err := l.Claim(ctx, t, holder)
		switch {
		case err == nil:
			taken = append(taken, t)
		case fault.CodeOf(err) == "task_done":
		case fault.Is(err, fault.Busy):
			for _, mine := range taken {
				if err := l.Release(ctx, mine); err != nil {
					return "", err
				}
			}
			return tasks[i].ID, nil
		default:
			return "", err
		}
		tasks[i] = t
	}
	return "", nil
}

// dead tells whether the holder of the task is gone. If one process owns the table, holders of
// other processes are. Otherwise a holder is gone if its lease was seen unchanged for a whole
// length.
func (l *Ledger) dead(t Task) bool {
	if l.st.Exclusive() && !strings.HasPrefix(t.Holder, l.instance+".") {
		return true
	}
	return l.watch.Unchanged(t, l.now()) >= LeaseLength
}

// Renew tells other workers that the holder is alive. The error is fault.Conflict if another worker
// has the task now.
func (l *Ledger) Renew(ctx context.Context, t Task) (Task, error) {
	t.Counter++
	return l.store(ctx, t.Holder, t)
}

// Save stores the result so far, with extra writes in the same transaction, and renews the lease.
func (l *Ledger) Save(ctx context.Context, t Task, result json.RawMessage, extra ...table.Write) (Task, error) {
	t.Counter++
	t.Result = result
	return l.store(ctx, t.Holder, t, extra...)
}

// Complete ends the task with its result. The error is fault.Conflict if the holder does not have
// the task any more.
func (l *Ledger) Complete(ctx context.Context, t Task, result json.RawMessage) error {
	t.State, t.Result = TaskDone, result
	_, err := l.store(ctx, t.Holder, t)
	return err
}

// Release gives an undone task back, so that the next worker need not wait until the lease runs
// out.
func (l *Ledger) Release(ctx context.Context, t Task) error {
	holder := t.Holder
	t.Holder = ""
	_, err := l.store(ctx, holder, t)
	return err
}

// store writes the next version of a task, with extra writes in the same transaction. The condition
// is that the stored version is the last one that the holder knows, or one that the holder wrote
// without getting the answer.
func (l *Ledger) store(ctx context.Context, holder string, t Task, extra ...table.Write) (Task, error) {
	was := t
	t.SeenAt = l.now().UTC()
	for {
		t.Version = was.Version + 1
		item, err := encode(store.TaskKey(t.Job, t.ID), t.Version, t)
		if err != nil {
			return was, err
		}
		cond := table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: was.Version}
		err = l.st.Transact(ctx, append([]table.Write{{Item: item, If: cond}}, extra...)...)
		if err == nil {
			return t, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return was, err
		}
		same, readErr := l.holds(ctx, item)
		if same {
			return t, nil
		}
		if readErr != nil { // it may have been stored, with what was to be stored beside it
			return was, readErr
		}
		if holder == "" { // without a holder, a changed version means that another process wrote it
			return was, err
		}
		now, readErr := l.Task(ctx, t.Job, t.ID)
		if readErr != nil || now.Holder != holder || now.State == TaskDone || now.Version == was.Version {
			return was, err
		}
		was.Version, t.Counter = now.Version, max(t.Counter, now.Counter+1)
	}
}

// Watch remembers since when each task's lease has been unchanged, by the clock of this process. It
// is safe for concurrent use.
type Watch struct {
	mu   sync.Mutex
	seen map[table.Key]sighting
}

type sighting struct {
	holder  string
	counter int64
	since   time.Time
}

// NewWatch returns a Watch that has seen nothing.
func NewWatch() *Watch { return &Watch{seen: map[table.Key]sighting{}} }

// Unchanged returns for how long this process has seen the lease of t, which was just read, with
// the same holder and counter: 0 at first sight. The times must carry a monotonic reading.
func (w *Watch) Unchanged(t Task, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := store.TaskKey(t.Job, t.ID)
	s, ok := w.seen[k]
	if !ok || s.holder != t.Holder || s.counter != t.Counter {
		s = sighting{t.Holder, t.Counter, now}
		w.seen[k] = s
	}
	return now.Sub(s.since)
}

// Forget forgets the lease of t.
func (w *Watch) Forget(t Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.seen, store.TaskKey(t.Job, t.ID))
}
