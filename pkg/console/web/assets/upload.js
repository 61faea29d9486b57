// Sends the files of the import page, and shows how far that is. Without this script the form does the
// same in one request. Where files go to a bucket, the server answers with a form for each of them.
"use strict";
(() => {
  const form = document.getElementById("files"), input = document.getElementById("file");
  const bar = document.getElementById("sent"), says = document.getElementById("sending");
  const problem = document.getElementById("problem"), button = form.querySelector("button");

  const send = (url, body, progress) => new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.upload.onprogress = (e) => progress(e.loaded);
    request.onload = () => done(request);
    request.onerror = () => fail(new Error("The files could not be sent. Check the connection, and try again."));
    request.send(body);
  });
  const parsed = (request) => new DOMParser().parseFromString(request.responseText, "text/html");
  const told = (request) => new Error(parsed(request).querySelector("[role=alert]")?.textContent || "The server did not take the files (" + request.status + ").");

  const show = (sent, all) => {
    const share = all ? Math.min(1, sent / all) : 1, quarter = Math.floor(share * 4) * 25;
    bar.value = share;
    if (says.dataset.quarter !== String(quarter)) { // not at every step: it is read aloud
      says.dataset.quarter = quarter;
      says.textContent = share < 1 ? quarter + " % sent" : "All is sent; the files are looked at.";
    }
  };

  const sendAll = async () => {
    const files = [...input.files], all = files.reduce((sum, f) => sum + f.size, 0);
    const asked = new URLSearchParams({mode: new FormData(form).get("mode")});
    files.forEach((f) => { asked.append("name", f.name); asked.append("size", f.size); });
    const answer = await send(form.dataset.forms, asked, () => {});
    if (answer.status >= 300) throw told(answer);
    if (answer.status === 204) { // the server takes them itself
      const taken = await send(form.action, new FormData(form), (sent) => show(sent, all));
      if (taken.status >= 300) throw told(taken);
      return taken.responseURL;
    }
    const page = parsed(answer), next = page.querySelector("[data-then]");
    if (!next) return answer.responseURL; // to sign in again, say
    let before = 0;
    for (const [i, one] of [...page.forms].entries()) {
      const body = new FormData(one);
      body.append("file", files[i]); // after the other fields: a bucket ignores what comes later
      const taken = await send(one.action, body, (sent) => show(before + Math.min(sent, files[i].size), all));
      if (taken.status >= 300) throw new Error("The file " + files[i].name + " could not be stored (" + taken.status + "). Try again.");
      show(before += files[i].size, all);
    }
    return next.dataset.then;
  };

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    button.disabled = true;
    bar.hidden = false;
    problem.hidden = true;
    show(0, 1);
    sendAll().then((next) => location.assign(next), (why) => {
      button.disabled = false;
      bar.hidden = true;
      says.textContent = "";
      problem.textContent = why.message;
      problem.hidden = false;
    });
  });
  form.addEventListener("dragover", (e) => e.preventDefault());
  form.addEventListener("drop", (e) => {
    e.preventDefault();
    if (e.dataTransfer.files.length) input.files = e.dataTransfer.files;
  });
})();
