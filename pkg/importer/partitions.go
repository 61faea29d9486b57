package importer

import (
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// partitions keeps the partition keys of a source, so that each is made once.
type partitions struct{ *store.Partitions }

func newPartitions(sp store.Space) *partitions { return &partitions{sp.Partitions()} }

// rangeOf is the key range, out of n, that holds a sort key. A range is some neighbouring shards,
// so that each partition key has one writer.
func (p *partitions) rangeOf(sk string, n int) int {
	if n == 1 || isPlan(sk) {
		return 0
	}
	h, _ := store.LeadingH(sk)
	return p.ShardOf(h) * n / p.Shards
}

func (p *partitions) key(sk string) table.Key { return table.Key{PK: p.Of(sk), SK: sk} }

// scans lists the queries for all stored records of a stage in one key range out of n, in key
// order.
func (p *partitions) scans(stage, keyRange, n int) []table.Query {
	kind := store.KindsOf(stage)[0]
	q := table.Query{From: kind.SK, To: store.After(kind.SK)}
	of := p.At(kind.Place)
	if kind.Place == store.WithPlans {
		if keyRange > 0 {
			return nil
		}
	} else {
		of = of[keyRange*p.Shards/n : (keyRange+1)*p.Shards/n]
	}
	var out []table.Query
	for _, pk := range of {
		q.PK = pk
		out = append(out, q)
	}
	return out
}
