package dynamo

import (
	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

// frame is about how many bytes a body, and each item in it, has besides its contents. The size of
// a body is estimated so that its memory is allocated once.
const frame = 100

// batchWrite returns the body of a BatchWriteItem.
func batchWrite(name string, batch []table.Write) []byte {
	size := frame
	for i := range batch {
		it := &batch[i].Item
		size += 2*len(it.Attrs) + len(it.PK) + len(it.SK) + frame // twice, for the JSON around each value
	}
	dst := append(make([]byte, 0, size), `{"ReturnConsumedCapacity":"TOTAL","RequestItems":{`...)
	dst = dynamojson.AppendString(dst, name)
	dst = append(dst, `:[`...)
	for i := range batch {
		if i > 0 {
			dst = append(dst, ',')
		}
		if w := &batch[i]; w.Delete {
			dst = append(dst, `{"DeleteRequest":{"Key":`...)
			dst = dynamojson.AppendKey(dst, w.Item.Key)
		} else {
			dst = append(dst, `{"PutRequest":{"Item":`...)
			dst = dynamojson.AppendItem(dst, w.Item)
		}
		dst = append(dst, `}}`...)
	}
	return append(dst, `]}}`...)
}

// batchGet returns the body of a BatchGetItem.
func batchGet(name string, keys []table.Key) []byte {
	size := frame
	for _, k := range keys {
		size += len(k.PK) + len(k.SK) + frame
	}
	dst := append(make([]byte, 0, size), `{"ReturnConsumedCapacity":"TOTAL","RequestItems":{`...)
	dst = dynamojson.AppendString(dst, name)
	dst = append(dst, `:{"ConsistentRead":true,"Keys":[`...)
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = dynamojson.AppendKey(dst, k)
	}
	return append(dst, `]}}}`...)
}
