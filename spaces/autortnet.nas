// AutoRTNet (Sun et al., IJCV 2021): three hyper-cells, each of which decides how many of its cells there are, and a
// cell that aggregates their outputs. There is no public code; where the paper is silent (the stem, channels, the
// preprocessing of a cell's inputs, what stands in for a cell before the first, the edges of the aggregation cell, the
// multi-scale module) the choices are ours: see docs/spaces.md.
space autortnet(C = 8, cells = {5, 10, 10}, classes = 19, H = 1024, W = 2048) {
  input image: [3, H, W]

  block sep(x, c = channels(x), stride = 1, rate = 1) = dil_conv(x, c, k = 3, stride = stride, dilation = rate)
  block sep_x2(x, stride = 1, rate = 1) = x >> sep(stride = stride, rate = rate) >> sep(rate = rate)
  block conv_x2(x, stride = 1) = x >> relu_conv_bn(k = 3, stride = stride) >> relu_conv_bn(k = 3)

  block edge(x, stride = 1) {
    choose op in { none, skip, max3: max_pool(k = 3), conv: relu_conv_bn(k = 3), conv_x2, sep, sep_x2,
                   dil2: sep(rate = 2), dil4: sep(rate = 4), dil2_x2: sep_x2(rate = 2) }
    return x >> op(stride = stride)
  }
  block body(a, b, c, stride) {                        // two inputs, two nodes, five edges
    x[0] = a >> (relu_conv_bn(c, k = 1) if rate(a) == rate(b) else relu_factorized_reduce(c))
    x[1] = b >> relu_conv_bn(c, k = 1)
    for i in 2..4 { x[i] = sum(edge(x[j], stride if j < 2 else 1) for j in 0..i) }
    return concat(x[2], x[3])
  }
  block hyper_cell(a, b, c, cells) {
    tied block reduction(a, b) = body(a, b, c, 2)
    tied block normal(a, b) = body(a, b, c, 1)         // one table for all normal cells of a hyper-cell
    y[0] = b >> factorized_reduce(2*c)                 // stands in for the cell before the first one
    y[1] = reduction(a, b)
    for i in 2..=cells { y[i] = normal(b if i == 2 else y[i-2], y[i-1]) }
    depth d in 1..=cells
    return y[d-1], y[d]                                // what the next hyper-cell reads
  }

  block aggregation(x1, x2, x3) {                      // 1/8, 1/16, 1/32: seven edges, three final maps
    block link(x, stride = 1) {
      choose op in { conv1_x2: pointwise_x2, conv3_x2: conv_x2, dil2_x2: sep_x2(rate = 2), dil4_x2: sep_x2(rate = 4),
                     dil8_x2: sep_x2(rate = 8) }
      return x >> relu_conv_bn(channels(x2), k = 1) >> op(stride = stride)
    }
    inner = sum(fine = link(x1, 2), same = link(x2))
    y[1] = sum(inner = link(inner, 2), deep = link(x3))
    y[2] = sum(middle = link(x2, 2), deep = link(x3))
    y[3] = link(x3)
    return concat(y[i] for i in 1..=3)
  }
  block pointwise_x2(x, stride = 1) = x >> relu_conv_bn(k = 1, stride = stride) >> relu_conv_bn(k = 1)

  block multi_scale(x, c) {                            // in the manner of ASPP (Chen et al., 2017)
    pooled = x >> global_avg_pool() >> conv_bn_relu(c, k = 1) >> resize_like(x)
    return concat(x >> conv_bn_relu(c, k = 1), concat(x >> sep(c, rate = 2^i) for i in 1..=3), pooled)
             >> conv_bn_relu(c, k = 1)
  }

  a[0] = image >> conv_bn_relu(C, k = 3, stride = 2) >> conv_bn_relu(C, k = 3, stride = 2)
  b[0] = a[0]
  for i in 1..=3 { a[i], b[i] = hyper_cell(a[i-1], b[i-1], C * 3^i, cells[i-1]) }

  task segment = aggregation(b[1], b[2], b[3]) >> multi_scale(128) >> conv(classes, k = 1, bias = true)
                   >> resize_like(image) {
    loss bootstrapped_cross_entropy(top = 0.2)
    metric miou
  }

  preset depths_a {                                    // the depths of AutoRTNet-A
    a[1].hyper_cell.d = 2
    a[2].hyper_cell.d = 4
    a[3].hyper_cell.d = 6
  }
  preset camvid(cells = {2, 4, 4}, classes = 11, H = 192, W = 256) { }            // for two CPU cores
  preset demo(C = 4, cells = {2, 2, 2}, classes = 9, H = 96, W = 192) { require latency(ort_cpu) <= 0.9 ms }
}
