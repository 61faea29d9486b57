package dynamo

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

type attributes = map[string]types.AttributeValue

// encode spells an item by hand: reflection would be a third of an import.
func encode(it store.Item) attributes {
	m := make(attributes, 16)
	key(m, it.Key)
	for name, v := range it.Attrs.All() {
		m[name] = value(v)
	}
	return m
}

func key(m attributes, k store.Key) attributes {
	m[store.AttrPK] = &types.AttributeValueMemberS{Value: k.PK}
	m[store.AttrSK] = &types.AttributeValueMemberS{Value: k.SK}
	return m
}

func value(v store.Value) types.AttributeValue {
	switch v.Type {
	case store.Int:
		return number(v.Int())
	case store.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Bool()}
	case store.Bytes:
		return &types.AttributeValueMemberB{Value: v.Raw}
	case store.List:
		list := v.List()
		values := make([]types.AttributeValue, len(list))
		for i, s := range list {
			values[i] = &types.AttributeValueMemberS{Value: s}
		}
		return &types.AttributeValueMemberL{Value: values}
	case store.String:
	}
	return &types.AttributeValueMemberS{Value: v.Str()}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// decoder turns answers into items; it keeps its memory from one to the next.
type decoder struct {
	build *store.Builder
	names []string
}

func newDecoder() *decoder { return &decoder{build: store.NewBuilder()} }

func (d *decoder) item(m attributes, keyOnly bool) (it store.Item, err error) {
	if it.Key, err = decodeKey(m); err != nil || keyOnly {
		return it, err
	}
	d.names = d.names[:0]
	for name := range m {
		if name != store.AttrPK && name != store.AttrSK {
			d.names = append(d.names, name)
		}
	}
	slices.Sort(d.names)
	d.build.Reset()
	for _, name := range d.names {
		v, ok := stored(m[name])
		if !ok {
			return it, foreign()
		}
		d.build.Raw(name, v)
	}
	it.Attrs = d.build.Attrs()
	return it, nil
}

// stored is the inverse of value.
func stored(av types.AttributeValue) (store.Value, bool) {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return store.Value{Type: store.String, Raw: []byte(av.Value)}, true
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(av.Value, 10, 64)
		return store.IntValue(n), err == nil
	case *types.AttributeValueMemberBOOL:
		return store.BoolValue(av.Value), true
	case *types.AttributeValueMemberB:
		return store.Value{Type: store.Bytes, Raw: av.Value}, true
	case *types.AttributeValueMemberL:
		list := make([]string, len(av.Value))
		for i, e := range av.Value {
			s, ok := e.(*types.AttributeValueMemberS)
			if !ok {
				return store.Value{}, false
			}
			list[i] = s.Value
		}
		return store.ListValue(list), true
	}
	return store.Value{}, false
}

func decodeKey(m attributes) (store.Key, error) {
	pk, ok := m[store.AttrPK].(*types.AttributeValueMemberS)
	sk, ok2 := m[store.AttrSK].(*types.AttributeValueMemberS)
	if !ok || !ok2 {
		return store.Key{}, foreign()
	}
	return store.Key{PK: pk.Value, SK: sk.Value}, nil
}

func foreign() error {
	return fault.New(fault.Internal, "store_foreign", "the table holds an item that Reseed did not write")
}
