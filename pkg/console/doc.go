// Package console serves the pages that people use Reseed with in a browser.
//
// A page is a template of web/pages and a struct of its own that embeds base; its handler makes the
// struct from what the typed client of the API answers. So the console can do what the API can, with
// the same checks, and nothing else. All controls are forms and links that work without scripts;
// htmx only saves loading whole pages (web/assets/htmx.LICENSE).
//
// Requests with an Authorization header, and paths that are not the console's, go to the API.
package console
