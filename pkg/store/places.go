package store

import "reseed/pkg/table"

// pk spells the partition of a place and a shard.
func (s Space) pk(place Place, shard int) string {
	switch place {
	case WithCustomers:
		return s.CustomerPK(shard)
	case WithData:
		return s.DataPK(shard)
	case WithPlans:
		return s.PlanPK()
	case Nowhere, places:
	}
	return "" // every engine refuses it
}

// Partitions spells the partitions of each place once, for use with many keys.
func (s Space) Partitions() *Partitions {
	p := &Partitions{Space: s}
	for place := Nowhere + 1; place < places; place++ {
		n := s.Shards
		if place == WithPlans {
			n = 1
		}
		for shard := range n {
			p.pks[place] = append(p.pks[place], s.pk(place, shard))
		}
	}
	return p
}

// Partitions are the partitions of a source, spelled.
type Partitions struct {
	Space
	pks [places][]string
}

// Of returns the partition of a record or pointer. For a sort key that this version does not know
// it is empty, which every engine refuses.
func (p *Partitions) Of(sk string) string {
	switch of := p.pks[PlaceOf(sk)]; len(of) {
	case 0:
		return ""
	case 1:
		return of[0]
	default:
		h, _ := LeadingH(sk)
		return of[p.ShardOf(h)]
	}
}

// At lists the partitions of a place, by shard; a single one for plans.
func (p *Partitions) At(place Place) []string { return p.pks[place] }

// Key returns the key of a record or pointer. For many keys [Space.Partitions] is faster.
func (s Space) Key(sk string) table.Key {
	h, _ := LeadingH(sk)
	return table.Key{PK: s.pk(PlaceOf(sk), s.ShardOf(h)), SK: sk}
}

// Below is the range in which the records of a kind are found from the parent with an identity: the
// records themselves, or the pointers to them.
func (s Space) Below(k *RecordKind, h H) table.Query {
	sk := k.Below()
	return under(s.pk(PlaceOf(sk), s.ShardOf(h)), sk+h.String()+"#")
}

// All is the range of all records or pointers of a shard whose sort keys begin with sk. Plans are
// in one partition, whatever the shard.
func (s Space) All(sk string, shard int) table.Query { return under(s.pk(PlaceOf(sk), shard), sk) }

// Parts is the range of the parts of the record of a kind with an identity, without the record
// itself.
func (s Space) Parts(k *RecordKind, h H) table.Query {
	return under(s.pk(k.Place, s.ShardOf(h)), k.SK+h.String()+"#")
}

// EditsOf is the range of the edits of a record and its parts.
func (s Space) EditsOf(record string) table.Query { return under(s.editsOf(record), record) }

// EditsBelow is the range of the edits of records of a kind whose parent has an identity.
func (s Space) EditsBelow(k *RecordKind, h H) table.Query {
	return under(s.editPK(k.Place, s.ShardOf(h)), k.SK+h.String()+"#")
}

// EditsAlong is the range of the edits of a kind's records in a shard, and of their parts, from one
// sort key to another.
func (s Space) EditsAlong(k *RecordKind, shard int, first, last string) table.Query {
	return table.Query{PK: s.editPK(k.Place, shard), From: first, To: After(last)}
}

// Like lists two ranges that hold the record that a public id names, and its edits, for a kind
// whose records have parents; h is the identity in the public id (see [Under]). The ranges hold
// other items too.
func (s Space) Like(k *RecordKind, h H) []table.Query {
	parent, _ := SplitUnder(h)
	sk := k.SK
	if k.Part {
		sk = k.parent.SK
	}
	return []table.Query{under(s.pk(k.Place, s.ShardOf(h)), sk+parent), under(s.editPK(k.Place, s.ShardOf(h)), sk+parent)}
}

// editPK spells the partition of the edits of records at a place, in a shard.
func (s Space) editPK(place Place, shard int) string {
	if place == WithPlans {
		return s.PlanEditPK()
	}
	return s.EditPK(shard)
}
