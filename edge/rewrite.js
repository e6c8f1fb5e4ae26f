// CloudFront Function, before every request: which file a page is; who is really asking, for the API.
//
// ES5, so that CloudFront, Node and the interpreter behind `make run` read the same file. `SITE` is put in front of it
// by local/edge.py: {"pages": ["/", "/blog/", ...], "retired": {"/old/": "/new/"}}, every path with a slash at its end.

function handler(event) {
  var request = event.request;
  var uri = request.uri;

  // Whatever a client says about its address is replaced by what CloudFront sees.
  request.headers['x-viewer-ip'] = { value: event.viewer.ip };
  if (uri === '/live' || startsWith(uri, '/v1/') || startsWith(uri, '/api/')) return request;

  var host = request.headers.host ? request.headers.host.value : '';
  if (startsWith(host, 'www.')) return moved('https://' + host.slice(4) + uri, request.querystring);

  var page = uri.charAt(uri.length - 1) === '/' ? uri : uri + '/';
  if (has(SITE.retired, page)) return moved(SITE.retired[page], request.querystring);
  if (SITE.pages.indexOf(page) >= 0) request.uri = page + 'index.html';
  else if (/^\/blog\/[^\/]+\/$/.test(page)) request.uri = '/blog/post/index.html'; // published since the build
  else if (!/\.[a-z0-9]+$/.test(uri)) request.uri = '/404/index.html';
  return request;
}

// Only ever to places that are written down here or in SITE: a path that begins with two slashes leads nowhere else.
function moved(to, query) {
  return {
    statusCode: 301,
    statusDescription: 'Moved Permanently',
    headers: {
      location: { value: to + asked(query) },
      'cache-control': { value: 'max-age=3600' }
    }
  };
}

function asked(query) {
  var parts = [];
  for (var name in query) {
    if (!has(query, name)) continue;
    var values = query[name].multiValue || [query[name]];
    for (var i = 0; i < values.length; i += 1) parts.push(values[i].value === '' ? name : name + '=' + values[i].value);
  }
  return parts.length ? '?' + parts.join('&') : '';
}

function startsWith(text, start) {
  return text.slice(0, start.length) === start;
}

function has(map, name) {
  return Object.prototype.hasOwnProperty.call(map, name);
}
