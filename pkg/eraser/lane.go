package eraser

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// lanesAtOnce is how many shards are swept in parallel. Each shard has partitions, and so write
// capacity, of its own.
const lanesAtOnce = 8

const lanePhase = "sweep"

// checkpoint says how far a lane has come. It is stored in the lane's task on condition that the
// task is unchanged, so two sweeps can never count the same items.
type checkpoint struct {
	Part    int    `json:"part"`              // index of the partition that is being swept
	After   string `json:"after,omitempty"`   // the sort key up to which it has been swept
	Page    *span  `json:"page,omitempty"`    // the page that is counted, and maybe not deleted yet
	Counted bool   `json:"counted,omitempty"` // all of the partition is counted, and can be dropped at once
	Removed Counts `json:"removed,omitempty"`
	Digest  Digest `json:"digest"` // of the removed keys
	// thousandths of the write units that deleting dropped partitions item by item would have cost
	Milli    int64 `json:"milli,omitempty"`
	Verified bool  `json:"verified,omitempty"` // all parts were read, and nothing was found
}

// span is the range of sort keys of a page.
type span struct {
	First string `json:"first"`
	Last  string `json:"last"`
	Items int    `json:"items"`
}

func decodeCheckpoint(t job.Task) (checkpoint, error) {
	cp := checkpoint{}
	if len(t.Result) > 0 {
		if err := json.Unmarshal(t.Result, &cp); err != nil {
			return cp, fault.Wrap(err, fault.Internal, "erase_state", "read how far an erase has come")
		}
	}
	if cp.Removed == nil {
		cp.Removed = Counts{}
	}
	return cp, nil
}

// lane is one shard of a source, or one record, that is being swept.
type lane struct {
	*run
	task  job.Task
	cp    checkpoint
	parts []part
}

// lanes sweeps the shards of a source, several in parallel.
func (r *run) lanes(ctx context.Context, name string, all partitions, m method) error {
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = fmt.Sprintf("%s/%s.%03d", lanePhase, name, i)
	}
	open, err := r.open(ctx, ids, all)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lanesAtOnce)
	for _, l := range open {
		g.Go(func() error { return l.sweepToEnd(ctx, m) })
	}
	return g.Wait()
}

// laneName returns the common part of the names of a source's lanes at its epochs.
func laneName(sp store.Space) string {
	return fmt.Sprintf("%05x.c%d.d%d.e%d", uint32(sp.Tag), sp.Epochs.Customers, sp.Epochs.Data, sp.Epochs.Edits)
}

// open reads the checkpoints of lanes, and stores those that are missing.
func (r *run) open(ctx context.Context, ids []string, parts partitions) ([]*lane, error) {
	tasks := make([]job.Task, len(ids))
	for i, id := range ids {
		tasks[i] = job.Task{ID: id, Phase: lanePhase}
	}
	if err := r.ledger.CreateTasks(ctx, r.job.ID, tasks); err != nil {
		return nil, err
	}
	all := make([]*lane, len(ids))
	for i, id := range ids {
		t, err := r.ledger.Task(ctx, r.job.ID, id)
		if err != nil {
			return nil, err
		}
		cp, err := decodeCheckpoint(t)
		if err != nil {
			return nil, err
		}
		all[i] = &lane{run: r, task: t, cp: cp, parts: parts[i]}
	}
	return all, nil
}

// sweepToEnd sweeps a lane until nothing is found in it.
func (l *lane) sweepToEnd(ctx context.Context, m method) error {
	for !l.cp.Verified {
		for l.cp.Part < len(l.parts) {
			if err := m.sweep(l, ctx, l.parts[l.cp.Part]); err != nil {
				return err
			}
			l.cp.Part, l.cp.After, l.cp.Page, l.cp.Counted = l.cp.Part+1, "", nil, false
		}
		clean, err := l.clean(ctx, m)
		if err != nil {
			return err
		}
		if !clean { // a late writer added items: sweep again
			l.cp.Part = 0
		}
		l.cp.Verified = clean
		if err := l.saveCheckpoint(ctx, l.cp); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) clean(ctx context.Context, m method) (bool, error) {
	for _, p := range l.parts {
		if err := l.checkTime(ctx); err != nil {
			return false, err
		}
		if clean, err := m.clean(l, ctx, p); err != nil || !clean {
			return false, err
		}
	}
	return true, nil
}

// saveCheckpoint stores a checkpoint, with extra writes in the same transaction, and makes it the
// current one.
func (l *lane) saveCheckpoint(ctx context.Context, cp checkpoint, extra ...table.Write) error {
	t, err := l.ledger.Save(ctx, l.task, encode(cp), extra...)
	if err != nil {
		return err
	}
	n := cp.Removed.Total() - l.cp.Removed.Total()
	l.task, l.cp = t, cp
	l.reportProgress(ctx, n)
	return nil
}

// with returns the checkpoint with more removed items.
func (cp checkpoint) with(p part, items []table.Item) checkpoint {
	sum := maps.Clone(cp.Removed)
	for _, item := range items {
		sum[p.kindOf(item.SK)]++
		cp.Digest.add(item.Key)
	}
	cp.Removed = sum
	return cp
}
