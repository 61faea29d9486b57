package chartmogul

import (
	"context"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// maxAhead is the most partitions that one list request reads at once.
const maxAhead = 32

// span is one partition's share of a list.
type span struct {
	src   store.Source
	query table.Query
}

// gather reads spans in their order until it has want records. It starts with one span, and reads
// twice as many at the same time in each further round: a full partition needs one query, and many
// sparse ones need few round trips. read returns the first records of a span, at most want.
func gather[T any](ctx context.Context, spans []span, want int, read func(ctx context.Context, sp span, want int) ([]T, error)) ([]T, error) {
	var out []T
	for ahead := 1; len(spans) > 0 && len(out) < want; ahead = min(2*ahead, maxAhead) {
		round := spans[:min(ahead, len(spans))]
		spans = spans[len(round):]
		parts, err := each(ctx, round, func(ctx context.Context, sp span) ([]T, error) {
			return read(ctx, sp, want-len(out))
		})
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			out = append(out, p...)
		}
	}
	return out[:min(want, len(out))], nil
}

// each calls f for all of in at once (at most maxAhead in flight) and returns the results in the
// same order.
func each[A, B any](ctx context.Context, in []A, f func(context.Context, A) (B, error)) ([]B, error) {
	out := make([]B, len(in))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxAhead)
	for i, a := range in {
		g.Go(func() (err error) {
			out[i], err = f(ctx, a)
			return err
		})
	}
	return out, g.Wait()
}

// sharded are the spans of a list whose records are in the shards of several sources, after a
// position.
func sharded(sources []store.Source, after *position, in func(store.Space, int) table.Query, key func(store.Space, store.H) table.Key) []span {
	var spans []span
	for _, src := range sources {
		sp := src.Space()
		first, behind := 0, ""
		if after != nil {
			switch {
			case src.Tag < after.tag:
				continue
			case src.Tag == after.tag:
				first, behind = sp.ShardOf(after.h), key(sp, after.h).SK
			}
		}
		for shard := first; shard < sp.Shards; shard++ {
			q := in(sp, shard)
			if shard == first {
				q.After = behind
			}
			spans = append(spans, span{src, q})
		}
	}
	return spans
}
