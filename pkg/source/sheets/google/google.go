package google

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/time/rate"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"
	sheetsapi "google.golang.org/api/sheets/v4"

	"reseed/pkg/fault"
	"reseed/pkg/source/sheets"
)

// Google lets a user read 60 times a minute: at most burst calls at once, and one more each pace, which
// is 58 in the first minute. A small pull takes 4 calls, so that a few in a row wait for nothing.
const (
	burst = 18
	pace  = 1500 * time.Millisecond
)

// callTime is the longest that one call may take. Google ends a request after 180 seconds.
const callTime = 180 * time.Second

// Config is what New needs.
type Config struct {
	Key []byte // of the service account, as the JSON that Google makes
	// Endpoint stands in for both APIs: Sheets at its root, Drive below /drive/v3/. Empty is Google.
	Endpoint string
	// Transport carries all requests; nil is [http.DefaultTransport].
	Transport http.RoundTripper
	// Turn waits until the next call may be made; nil keeps to Google's quota.
	Turn func(context.Context) error
}

// Client reads spreadsheets. It is safe for concurrent use.
type Client struct {
	c       Config
	address string

	mu  sync.Mutex
	api *api // nil until it is needed, and after its token was refused
}

// api is both APIs with one token.
type api struct {
	sheets *sheetsapi.Service
	drive  *drive.Service
}

// New makes a client. It makes no call. The error is fault.Invalid if the key is not the key of a
// service account.
func New(c Config) (*Client, error) {
	var key struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
	}
	if json.Unmarshal(c.Key, &key) != nil || key.Type != "service_account" || key.Email == "" {
		return nil, badKey()
	}
	if _, err := google.JWTConfigFromJSON(c.Key); err != nil {
		return nil, badKey()
	}
	if c.Turn == nil {
		c.Turn = rate.NewLimiter(rate.Every(pace), burst).Wait
	}
	return &Client{c: c, address: key.Email}, nil
}

func badKey() error {
	return fault.New(fault.Invalid, "bad_google_key",
		"The file that GOOGLE_APPLICATION_CREDENTIALS names is not the key of a service account. In the Google Cloud console choose IAM, Service accounts, Keys, Add key, JSON; use that file.")
}

// Address is the e-mail address to share spreadsheets with.
func (c *Client) Address() string { return c.address }

// connect returns the APIs, with a token source of their own: one token serves both.
func (c *Client) connect(ctx context.Context) (*api, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api != nil {
		return c.api, nil
	}
	conf, err := google.JWTConfigFromJSON(c.c.Key, sheetsapi.SpreadsheetsReadonlyScope, drive.DriveMetadataReadonlyScope)
	if err != nil {
		return nil, badKey()
	}
	base := &http.Client{Transport: c.c.Transport, Timeout: callTime}
	signed := oauth2.NewClient(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, base), conf.TokenSource(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, base)))
	signed.Timeout = callTime
	options := func(path string) []option.ClientOption {
		list := []option.ClientOption{option.WithHTTPClient(signed)}
		if c.c.Endpoint != "" {
			list = append(list, option.WithEndpoint(strings.TrimSuffix(c.c.Endpoint, "/")+path))
		}
		return list
	}
	made := &api{}
	if made.sheets, err = sheetsapi.NewService(ctx, options("/")...); err == nil {
		made.drive, err = drive.NewService(ctx, options("/drive/v3/")...)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_google_endpoint", "RESEED_GOOGLE_ENDPOINT cannot be used: it is a URL, such as http://127.0.0.1:9000")
	}
	c.api = made
	return made, nil
}

// reconnect drops a token that was refused, unless another call has done so.
func (c *Client) reconnect(refused *api) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api == refused {
		c.api = nil
	}
}

const spreadsheetType = "application/vnd.google-apps.spreadsheet"

// Version implements [sheets.Reader].
func (c *Client) Version(ctx context.Context, id string) (int64, error) {
	var f *drive.File
	err := c.call(ctx, func(ctx context.Context, a *api) (err error) {
		f, err = a.drive.Files.Get(id).Fields("version", "mimeType", "trashed").SupportsAllDrives(true).Context(ctx).Do()
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case f.Trashed:
		return 0, fault.New(fault.NotFound, sheets.CodeTrashed, "The spreadsheet is in the bin of Google Drive. Restore it there, then sync again.")
	case f.MimeType != spreadsheetType:
		return 0, notASheet()
	}
	return f.Version, nil
}

// Book implements [sheets.Reader].
func (c *Client) Book(ctx context.Context, id string) (b sheets.Book, err error) {
	var s *sheetsapi.Spreadsheet
	err = c.call(ctx, func(ctx context.Context, a *api) (err error) {
		s, err = a.sheets.Spreadsheets.Get(id).Context(ctx).
			Fields("properties(title,locale,timeZone)", "sheets(properties(sheetId,title,index,sheetType,hidden,gridProperties(rowCount,columnCount)))").Do()
		return err
	})
	if err != nil {
		return b, err
	}
	b.Title, b.Locale, b.TimeZone = s.Properties.Title, s.Properties.Locale, s.Properties.TimeZone
	slices.SortStableFunc(s.Sheets, func(x, y *sheetsapi.Sheet) int { return cmp.Compare(x.Properties.Index, y.Properties.Index) })
	for _, t := range s.Sheets {
		if p := t.Properties; p.SheetType == "GRID" && p.GridProperties != nil {
			b.Tabs = append(b.Tabs, sheets.Tab{
				ID: p.SheetId, Title: p.Title, Rows: int(p.GridProperties.RowCount), Columns: int(p.GridProperties.ColumnCount), Hidden: p.Hidden,
			})
		}
	}
	return b, nil
}

// Values implements [sheets.Reader].
func (c *Client) Values(ctx context.Context, id string, spans []sheets.Span) ([]sheets.Values, error) {
	ranges := make([]string, len(spans))
	for i, s := range spans {
		ranges[i] = s.Range()
	}
	var got *sheetsapi.BatchGetValuesResponse
	err := c.call(ctx, func(ctx context.Context, a *api) (err error) {
		got, err = a.sheets.Spreadsheets.Values.BatchGet(id).Ranges(ranges...).MajorDimension("ROWS").
			ValueRenderOption("UNFORMATTED_VALUE").DateTimeRenderOption("SERIAL_NUMBER").Fields("valueRanges(values)").Context(ctx).Do()
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(got.ValueRanges) != len(spans):
		return nil, fault.Newf(fault.Unavailable, "google_answer", "Google answered with %d ranges instead of %d.", len(got.ValueRanges), len(spans))
	}
	out := make([]sheets.Values, len(spans))
	for i, r := range got.ValueRanges {
		out[i] = r.Values
	}
	return out, nil
}
