// FasterSeg (Chen et al., ICLR 2020): a grid of 16 layers x {1/8, 1/16, 1/32}, five operators, five widths, two
// branches. Where paper and public code differ, this follows the code; see docs/spaces.md.
space fasterseg(F = 12, layers = 16, middle = layers, classes = 19, H = 1024, W = 2048, decoded = false) {
  input image: [3, H, W]
  rates = {8, 16, 32}
  length[8], length[16], length[32] = {layers, middle, layers}      // of the branches; decoding drops layers that skip

  block conv2x(x, c, stride = 1) = x >> conv_bn_relu(c, k = 3, stride = stride) >> conv_bn_relu(c, k = 3)
  block zoomed(x, c, stride = 1) {
    y = x >> resize(1/2) >> conv_bn(c, k = 3)
    return y >> relu() if stride == 2 else y >> resize_like(x) >> relu()
  }
  block zoomed2x(x, c, stride = 1) {
    y = x >> resize(1/2) >> conv_bn_relu(c, k = 3) >> conv_bn(c, k = 3)
    return y >> relu() if stride == 2 else y >> resize_like(x) >> relu()
  }
  block stay(x, c, stride = 1) =
    x >> conv_bn_relu(c, k = 1) if stride == 1 else x >> factorized_reduce(c) >> relu()

  choose h in {8, 12}                                  // ratio of stem and head in twelfths: each value its own weights
  stem = image >> conv_bn_relu(4*F*h/12, k = 3, stride = 2) >> conv2x(8*F*h/12, 2) >> conv2x(8*F*h/12, 2)

  grid trunk[l in 0..=layers, r in rates] from stem at [0, 8] {
    width w in {4, 6, 8, 10, 12}                       // of the map that enters this cell: slices of the widest
    choose op in { skip: stay, conv: conv_bn_relu(k = 3), zoomed, conv2x, zoomed2x }     // one table, both ways out
    choose down in { conv: conv_bn_relu(k = 3), zoomed, conv2x, zoomed2x }               // a decoded network's way down
    c = r * F * (h if l == 0 or l == length[r] else w)/12
    to [l+1, r]   = here >> op(c = next.c, stride = 1)
    to [l+1, 2*r] = here >> (down if decoded else op)(c = next.c, stride = 2) when l < layers - 1
  }
  pick ends in 2 of rates
  for e in rates { route branch[e] in trunk to [length[e], e] }

  block refine(e) {                                    // from the branch's end up to 1/8 through its own last maps
    y[e] = branch[e].end
    for r in {32, 16} when r <= e {
      up = y[r] >> conv_bn_relu(r*F*h/24, k = 1) >> resize_like(branch[e].last(r/2))
      y[r/2] = concat(up, branch[e].last(r/2)) >> conv_bn_relu(r*F*h/24, k = 3)
    }
    return y[8]
  }
  block head(x) = x >> conv_bn_relu(k = 3) >> conv(classes, k = 1, bias = true) >> resize_like(image)

  task segment = concat(refine(e) for e in ends) >> conv_bn_relu(k = 1) >> head() {
    loss ohem(thresh = 0.7, min_kept = 1/16)
    metric miou
  }
  for e in {16, 32} {
    aux task deep[e] = branch[e].end >> head() { loss ohem(thresh = 0.7, min_kept = 1/16) weight 0.2 }
  }
  require latency(tensorrt_fp32) <= 8.3 ms

  preset student { h = 8 }
  preset teacher {
    h = 12
    trunk[*, *].w = 12
    trunk[*, *].op in {conv, zoomed, conv2x, zoomed2x}
  }
  preset published(layers = 10, middle = 9, decoded = true) {               // where the released student lies
    h = 8
    trunk[*, *].op in {conv, zoomed, conv2x, zoomed2x}
  }
  preset camvid(F = 6, layers = 8, classes = 11, H = 192, W = 256) {       // for two CPU cores
    h = 8
    require latency(ort_cpu) <= 4.5 ms
  }
  preset demo(F = 6, layers = 6, classes = 9, H = 96, W = 192) { h = 8 }    // minutes, on streets
}
