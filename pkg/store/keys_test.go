package store_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

var hasher = store.NewHasher([]byte("0123456789abcdef0123456789abcdef"))

// The golden file is the promise that stored data stays readable: it is
// written once and never regenerated.
func TestKeysGolden(t *testing.T) {
	t.Parallel()
	sp := store.Space{Tag: 0x1f, Epochs: store.Epochs{Customers: 1, Data: 2, Edits: 3}, Shards: 16}
	c, i := hasher.External(store.KindCustomer, "scus_001"), hasher.External(store.KindInvoice, "inv_1")
	l := hasher.Natural(store.KindLineItem, "inv_1", "subscription", "", "gold")
	e := hasher.External(store.KindEvent, "ev_1").EventID()
	m := hasher.External(store.KindEmail, "a@example.com")
	var b strings.Builder
	line := func(name, s string) { b.WriteString(name + "\t" + s + "\n") }
	key := func(name string, k table.Key) { line(name, k.PK+" "+k.SK) }
	key("directory", store.DirectoryKey())
	key("job", store.JobKey("J"))
	key("task", store.TaskKey("J", "T"))
	key("lock", store.LockKey(sp.Tag))
	key("once", store.OnceKey("D"))
	key("outbox", store.OutboxKey("J", "ended"))
	key("customer", sp.Customer(c))
	key("contact", sp.Contact(c, l))
	key("email", sp.Email(m, c))
	key("plan", sp.Plan(hasher.External(store.KindPlan, "gold")))
	key("invoice", sp.Invoice(i))
	key("line item", sp.LineItem(i, l))
	key("second equal line item", sp.LineItem(i, l.Nth(1)))
	key("transaction", sp.Transaction(i, l))
	key("owner", sp.Owner(c, i))
	key("event", sp.Event(c, e))
	key("external line item", sp.External(store.KindLineItem, l))
	key("external transaction", sp.External(store.KindTransaction, l))
	key("external event", sp.ExternalEvent(e))
	key("tags", sp.CustomerEdit(c, store.EditTags))
	line("customer id", store.ID(store.PrefixCustomer, sp.Tag, c))
	line("line item id", store.ID(store.PrefixLineItem, sp.Tag, store.Under(i, l)))
	line("second equal line item id", store.ID(store.PrefixLineItem, sp.Tag, store.Under(i, l.Nth(1))))
	goldenKeys(t, "keys", b.String())
}

func TestKeysOfPullsGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, one := range []struct {
		name string
		key  table.Key
	}{{"pull", store.PullKey(0x1f)}, {"written", store.WrittenKey(0x1f)}, {"touched", store.TouchedKey(0x1f)}} {
		b.WriteString(one.name + "\t" + one.key.PK + " " + one.key.SK + "\n")
	}
	goldenKeys(t, "pulls", b.String())
	for sk, want := range map[string]store.Tag{store.PullKey(0x1f).SK: 0x1f, store.PullKey(store.MaxTag).SK: store.MaxTag, "source#": 0, "source#1f": 0, "touched#0001f": 0} {
		if tag, ok := store.PullOf(sk); ok != (want != 0) || ok && tag != want {
			t.Errorf("%s is of the tag %d, %t", sk, tag, ok)
		}
	}
}

func TestKeysOfTalliesGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, one := range []struct {
		name string
		key  table.Key
	}{{"tally", store.TallyKey(0x1f)}, {"settings", store.AccountSettingsKey()}, {"test message", store.TestMailKey()}} {
		b.WriteString(one.name + "\t" + one.key.PK + " " + one.key.SK + "\n")
	}
	goldenKeys(t, "tallies", b.String())
	for sk, want := range map[string]store.Tag{store.TallyKey(0x1f).SK: 0x1f, store.TallyKey(store.MaxTag).SK: store.MaxTag, "source#": 0, "source#1f": 0} {
		if tag, ok := store.TallyOf(sk); ok != (want != 0) || ok && tag != want {
			t.Errorf("%s is of the tag %d, %t", sk, tag, ok)
		}
	}
}

// Keys that were added later have a golden file of their own.
func TestKeysOfEditsGolden(t *testing.T) {
	t.Parallel()
	sp := store.Space{Tag: 0x1f, Epochs: store.Epochs{Customers: 1, Data: 2, Edits: 3}, Shards: 16}
	c, i := hasher.External(store.KindCustomer, "scus_001"), hasher.External(store.KindInvoice, "inv_1")
	l := hasher.Natural(store.KindLineItem, "inv_1", "subscription", "", "gold")
	var b strings.Builder
	for _, x := range []struct {
		name string
		key  table.Key
	}{
		{"attributes", sp.CustomerEdit(c, store.EditAttributes)},
		{"fields of a customer", sp.FieldsOf(sp.Customer(c))},
		{"merge", sp.CustomerEdit(c, store.EditMerge)},
		{"fields of an invoice", sp.FieldsOf(sp.Invoice(i))},
		{"fields of a line item", sp.FieldsOf(sp.LineItem(i, l))},
		{"fields of a transaction", sp.FieldsOf(sp.Transaction(i, l))},
		{"fields of a plan", sp.FieldsOf(sp.Plan(hasher.External(store.KindPlan, "gold")))},
		{"edited email", sp.EditEmail(hasher.External(store.KindEmail, "a@example.com"), c)},
		{"edited owner", sp.EditOwner(c, i)},
	} {
		b.WriteString(x.name + "\t" + x.key.PK + " " + x.key.SK + "\n")
	}
	goldenKeys(t, "keys_of_edits", b.String())
}

func TestKeysOfRequestsGolden(t *testing.T) {
	t.Parallel()
	sp := store.Space{Tag: 0x1f, Epochs: store.Epochs{Customers: 1, Data: 2, Edits: 3}, Shards: 16}
	key := sp.Writing(0x1234567890abcdef)
	goldenKeys(t, "keys_of_requests", "writing\t"+key.PK+" "+key.SK+"\n")
}

// Every key of a source lies in one of its partitions, until the epoch of that partition changes.
func TestASpaceHasItsPartitions(t *testing.T) {
	t.Parallel()
	was := store.Space{Tag: 0x1f, Epochs: store.Epochs{Customers: 1, Data: 2, Edits: 3}, Shards: 16}
	h := hasher.External(store.KindCustomer, "c1")
	customers := []table.Key{was.Customer(h), was.Contact(h, h), was.Email(h, h)}
	data := []table.Key{was.Plan(h), was.Invoice(h), was.LineItem(h, h), was.Owner(h, h), was.Event(h, 1), was.External(store.KindLineItem, h), was.Writing(1)}
	edits := []table.Key{was.CustomerEdit(h, store.EditTags), was.FieldsOf(was.Plan(h)), was.EditEmail(h, h)}
	for _, x := range []struct {
		more                   store.Epochs
		tag                    store.Tag
		customers, data, edits bool
	}{
		{store.Epochs{}, 0, true, true, true},
		{store.Epochs{Customers: 1}, 0, false, false, true},
		{store.Epochs{Data: 1}, 0, true, false, true},
		{store.Epochs{Edits: 1}, 0, true, true, false},
		{store.Epochs{Customers: 9}, 0, false, false, true},
		{store.Epochs{}, 1, false, false, false},
	} {
		now := was
		now.Tag += x.tag
		now.Epochs.Customers += x.more.Customers
		now.Epochs.Data += x.more.Data
		now.Epochs.Edits += x.more.Edits
		for _, kind := range []struct {
			keys []table.Key
			want bool
		}{{customers, x.customers}, {data, x.data}, {edits, x.edits}} {
			for _, k := range kind.keys {
				if got := now.Has(k.PK); got != kind.want {
					t.Errorf("%+v of tag +%d has %s: %t", x.more, x.tag, k.PK, got)
				}
			}
		}
	}
}

func TestEditsNameTheirRecords(t *testing.T) {
	t.Parallel()
	sp := store.Space{Tag: 0x1f, Epochs: store.Epochs{Customers: 1, Data: 2, Edits: 3}, Shards: 16}
	rapid.Check(t, func(t *rapid.T) {
		h, own := drawH(t, "h"), drawH(t, "own")
		for _, key := range []table.Key{sp.Customer(h), sp.Invoice(h), sp.LineItem(h, own), sp.Transaction(h, own), sp.Plan(h)} {
			edit := sp.FieldsOf(key)
			if back, ok := sp.Edited(edit.SK); !ok || back != key {
				t.Fatalf("%v came back as %v", key, back)
			}
			part := sp.ShardOf(h)
			if key == sp.Plan(h) {
				part = sp.Shards
			}
			if q := sp.EditsIn(part); q.PK != edit.PK || edit.SK < q.From || edit.SK >= q.To {
				t.Fatalf("%v is not in %v", edit, q)
			}
		}
		for _, key := range []table.Key{sp.EditEmail(own, h), sp.EditOwner(h, own)} {
			if _, ok := sp.Edited(key.SK); ok {
				t.Fatalf("%v is taken for an edit", key)
			}
		}
		under := store.Under(h, own)
		if q := sp.PartsUnder(under); q.PK != sp.LineItem(h, own).PK || !strings.HasPrefix(sp.LineItem(h, own).SK, q.From) {
			t.Fatalf("a part is not in %v", q)
		}
		if q := sp.Like(store.KindNamed(store.KindLineItem), under)[1]; q.PK != sp.FieldsOf(sp.LineItem(h, own)).PK || !strings.HasPrefix(sp.LineItem(h, own).SK, q.From) {
			t.Fatalf("an edit of a part is not in %v", q)
		}
	})
}

// goldenKeys compares with a golden file, which it makes if it does not exist.
func goldenKeys(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name + ".golden"
	want, err := os.ReadFile(file)
	if os.IsNotExist(err) && os.Getenv("RESEED_WRITE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("keys changed:\n%s\nwant\n%s", got, want)
	}
}

func drawH(t *rapid.T, name string) store.H {
	var h store.H
	copy(h[:], rapid.SliceOfN(rapid.Byte(), store.HashLen, store.HashLen).Draw(t, name))
	return h
}

func TestUUIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tag, h := store.Tag(rapid.Uint32Range(0, uint32(store.MaxTag)).Draw(t, "tag")), drawH(t, "h")
		id := store.ID(store.PrefixCustomer, tag, h)
		if id[4+14] != '8' || !strings.ContainsRune("89ab", rune(id[4+19])) {
			t.Fatalf("%s is no UUIDv8", id)
		}
		gotTag, gotH, err := store.ParseID(store.PrefixCustomer, id)
		if err != nil || gotTag != tag || gotH != h {
			t.Fatalf("%s came back as %x %s, %v", id, gotTag, gotH, err)
		}
		if _, _, err := store.ParseID(store.PrefixPlan, id); err == nil {
			t.Fatal("a customer id was taken for a plan id")
		}
		if back, ok := store.ParseH(h.String()); !ok || back != h {
			t.Fatalf("H %s came back as %s", h, back)
		}
	})
}

func TestUnderNamesThePrefixesOfBothKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawH(t, "parent"), drawH(t, "own")
		parent, own := store.SplitUnder(store.Under(p, o))
		if !strings.HasPrefix(p.String(), parent) || !strings.HasPrefix(o.String(), own) {
			t.Fatalf("%s %s is no prefix of %s %s", parent, own, p, o)
		}
	})
}

func TestOccurrencesKeepTheirOrderAndDiffer(t *testing.T) {
	t.Parallel()
	h := hasher.Natural(store.KindLineItem, "x")
	prev, seen := h.Nth(0).String(), map[string]bool{}
	if prev != h.String() {
		t.Fatal("the first occurrence is not the hash itself")
	}
	for n := 1; n < 100; n++ {
		next := h.Nth(n)
		if next.String() <= prev {
			t.Fatalf("occurrence %d sorts before its predecessor", n)
		}
		_, own := store.SplitUnder(store.Under(h, next))
		if seen[own] {
			t.Fatalf("occurrence %d shares its id", n)
		}
		prev, seen[own] = next.String(), true
	}
}

func TestShardsFollowTheOrderOfH(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 2, 16, 256} {
		sp := store.Space{Shards: shards}
		last := -1
		for b := range 256 {
			n := sp.ShardOf(store.H{byte(b)})
			if n < last || n > last+1 || n >= shards {
				t.Fatalf("%d shards: byte %02x is in shard %d after %d", shards, b, n, last)
			}
			last = n
		}
		if last != shards-1 {
			t.Fatalf("%d shards: the last is %d", shards, last)
		}
	}
}

func TestNaturalPartsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	if hasher.Natural(store.KindPlan, "ab", "c") == hasher.Natural(store.KindPlan, "a", "bc") {
		t.Error("parts run together")
	}
	if hasher.External(store.KindPlan, "a") == hasher.External(store.KindInvoice, "a") {
		t.Error("kinds meet")
	}
	if hex.EncodeToString([]byte(hasher.External(store.KindPlan, "secret").String())) == "" {
		t.Error("empty")
	}
}
