// Package dynamojson writes and reads items in DynamoDB's JSON, without the
// SDK's detour over a map and an object for each attribute:
//
//	{"pk":{"S":"0001f.c1#04"},"sk":{"S":"c#04…"},"name":{"S":"Ada"},"_at":{"N":"1763890000000"}}
//
// String is S, Int is N (a decimal in quotes), Bool is BOOL, Bytes is B (base64)
// and List is an L of S. It is the form of requests and answers of the service,
// and, as lines {"Item":…}, of the files that its bulk loaders read.
//
// What cannot be read is fault.Internal: store_foreign where it is well formed
// but nothing that Reseed writes, else store_engine. Texts of errors quote no input (I8).
package dynamojson
