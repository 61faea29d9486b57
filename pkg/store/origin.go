package store

import "reseed/pkg/table"

// Origin says where a record came from. Pointers to the record carry it too.
type Origin struct {
	Import int64 // the number of the import that added it; 0 if it came over REST
	Manual int64 // the manual epoch at its creation; 0 if it is not manual
}

// OriginOf reads the origin of an item.
func OriginOf(a table.Attrs) Origin {
	o := Origin{}
	o.Import, _ = a.Int(AttrImport)
	o.Manual, _ = a.Int(AttrManual)
	return o
}

// AddTo adds the origin to an item.
func (o Origin) AddTo(b *table.Builder) *table.Builder {
	return b.Int(AttrImport, o.Import).Int(AttrManual, o.Manual)
}
