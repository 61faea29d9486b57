package system

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"reseed/pkg/billing"
)

// System is a kind of billing system.
type System interface {
	// Name is how people call it, such as Stripe. It never changes.
	Name() string
	// Asks are the credentials that a connection needs, in the order in which people are asked.
	Asks() []Ask
	// Places are where accounts may be, such as regions and sandboxes. The first is the default; none if keys say it.
	Places() []Place
	// Options are the settings that change what its mapping does, by their names in JSON.
	Options() []string
	// Open makes a reader, without a call. The error is fault.Invalid, with the name of the credential as its Param, for
	// credentials that cannot be right.
	Open(c Connection) (Reader, error)
	// BelongsTo finds out whose a raw object is. The error is that of a JSON document of another shape.
	BelongsTo(o Object) (Belongs, error)
	// Reads are the fields of objects that MapCatalog and Map read, by stream. Objects of other streams are read whole.
	Reads() map[Stream]Fields
	// MapCatalog makes plans of the objects that belong to the catalog.
	MapCatalog(objects []Object, s Settings) Mapped
	// Map makes records of the objects that belong to one customer.
	Map(objects []Object, s Settings) Mapped
}

// Ask is a credential that a connection needs.
type Ask struct {
	Name   string // in JSON, such as key
	Label  string // for people, such as Restricted key
	Help   string // a sentence: where to find it
	Secret bool   // it is not shown when it is typed
}

// Place is where an account may be.
type Place struct {
	Name    string // such as EU
	Address string // without a slash at its end; %s stands for the subdomain
}

// Connection is what a reader of one account needs.
type Connection struct {
	Credentials   map[string]string // by [Ask.Name]
	Place         string            // name of one of [System.Places]; empty: the first
	Base          string            // in tests: the address in place of the usual one
	Transport     http.RoundTripper // nil: the usual one
	Unlimited     bool              // in benchmarks: the limits of the system do not hold
	Subscriptions []string          // ids that people have named, for a system that does not list them
	Now           func() time.Time
}

// Reader reads one account. It is safe for concurrent use. Its errors are those of package remote.
type Reader interface {
	// Check finds out whose credentials they are, and whether they may read all that is read. The error names what
	// is missing or not supported.
	Check(ctx context.Context) (Account, error)
	// Begin is the cursor of the first page of a pull that begins now: of everything, or of the catalog and one
	// customer. A cursor is small, plain JSON, and holds no secret.
	Begin(now time.Time, customer string) json.RawMessage
	// Page reads the page at a cursor. The same cursor may be used again. If there is an error nothing of the page counts.
	Page(ctx context.Context, cursor json.RawMessage) (Page, error)
	// Customer reads a customer that objects name, and no list has shown: it may be deleted. found is false if the system
	// knows no such customer.
	Customer(ctx context.Context, id string) (o Object, found bool, err error)
}

// Account is the account that credentials belong to.
type Account struct {
	ID   string `json:"id"`
	Name string `json:"name"` // may be empty
	Live bool   `json:"live"` // false: test mode or sandbox
}

// Stream is a kind of objects that are read together.
type Stream string

// Object is an object as the system has sent it. A pull freezes objects as lines of JSON.
type Object struct {
	Stream Stream          `json:"stream"`
	Parent string          `json:"parent,omitempty"` // of what was read as a part of another object: its id; or of the site that links lead to: its host
	JSON   json.RawMessage `json:"object"`
}

// Page is a page of objects, and the cursor of the one after it.
type Page struct {
	Stream  Stream // what was read; Objects may hold parts of other streams
	Objects []Object
	Total   int64 // how many objects the stream has, if the system says so; else 0
	Next    json.RawMessage
	Done    bool // there is no further page
}

// Belongs says whose an object is. If neither Catalog, Customer nor ID is set it belongs to nobody.
type Belongs struct {
	Own      string // id of the object itself, by which others of its stream and of other streams may name it
	Catalog  bool   // it is mapped with [System.MapCatalog]
	Customer string // external id of the customer
	Self     bool   // the object is that customer itself; other objects may have the same id
	// the object that says whose this one is: its stream and its Own. That one may name a further object.
	Stream Stream
	ID     string
}

// Mapped is what became of objects, in an order that does not depend on theirs.
type Mapped struct {
	Records []billing.Record
	Issues  []Issue
	Left    map[string]int // how much is left out by design, by what it is, such as draft_invoices
}
