// CloudFront Function, before every response of the site: an object that says which status it has, has it.
// `make deploy-site` writes that on the page for addresses where nothing is.

function handler(event) {
  var response = event.response;
  var told = response.headers['x-amz-meta-status'];
  if (told) {
    response.statusCode = parseInt(told.value, 10);
    response.statusDescription = 'Not Found';
    delete response.headers['x-amz-meta-status'];
  }
  return response;
}
