// At the top,

// in two parts.
from "std/backbones.nas" import resnet50, fpn as pyramid
extern rois(x, classes) -> [classes, 28, 28] from "package.rois:Head"
block bn(x) = x >> conv() >> bn()
block twice(x, c = channels(x), k, stride = 1) =
  x >> conv(c, k = k) >> relu()
space demo(C = 16, n = 4) {     // trailing
  input image: [3, 32, 32]      // one

  // before a block

  tied block edge(x, stride = 1) {
    // first in a block
    choose op in { soft none, max3: max_pool(k = 3), avg3: avg_pool(k = 3), skip, sep3: sep_conv(k = 3),
                   sep5: sep_conv(k = 5), dil3: dil_conv(k = 3) }
    choose plain in {conv, conv2x}
    choose kept in {
      none,                 // nothing at all
      skip,
      // the usual one
      sep3: sep_conv(k = 3)  // ReLU first
    }
    return x >> op(stride = stride)
    // last in a block
  }
  a = 4*C*n/12
  b = C * 2^(n-1) * a/8
  c = (a + b) * 2  // parentheses
  d = (a and b) or not (c == d)
  e = C * (4 if a >= b[1] else 2 if a >= b[0] else 1)
  y[i+1, 2*i] = x[f(i) + 1] >> g(-1, "// no comment", 0..n-1, 1..=2*n)
  for i in 0..n { z[i] = x }
  for (s, c) in { (1, 2), (3, 4) } when s > 1 {
    z[s] = x
  }
  grid trunk[l in 0..=n, r in {8, 16}] from stem at [0, 8] {
    width w in {4, 6, 8}         // of the map that enters this cell
    depth d in 1..=n             // how far
    to [l+1, r]   = here >> op(c = next.c)
    to [l+1, 2*r] = here >> op(c = next.c, stride = 2) when l < n - 1
  }
  route branch[e] in trunk to [n, e]
  pick ends in 2 of {8, 16, 32}
  long = image >> conv_bn_relu(e * channels(x), k = 1, groups = g) >> shuffle(g)
           >> dw_conv_bn_relu(k = k, stride = stride) >> conv_bn(c, k = 1, groups = g)
  wide = concat(x >> conv_bn_relu(c, k = 1), x >> sep_conv(c, k = 3, dilation = 2),
                x >> sep_conv(c, k = 3, dilation = 4)) >> conv(c)
  deep = first(
    second(third(x >> a_very_long_name_of_an_operation(c, k = 1), x >> a_very_long_name_of_an_operation(c, k = 3))), 1
  )
  cases = x >> conv_bn_relu(16, k = 3, stride = 2) if n == 1 else x >> conv_bn_relu(32, k = 5, stride = 2) if n == 2
            else x
  task t = y {  // what it is for
    loss ce(label_smoothing = 0.1)
  }
  aux task u[1] = y when n >= 2 { loss mse() weight 0.5 }
  task v = y { loss mse() weight 0.5 metric miou }
  task w = y {
    loss mse()
    metric miou
  }
  predict panoptic(t, u, top_k = 200) { metric pq }
  require latency(ort_cpu, threads = 1) <= 8.3 ms and params <= 4 M
  require at most 2 of normal.x[*].edge[*, 1].op = skip
  preset empty { }
  preset small(C = 8) { a.b[*].w in {4, max} }
  preset two {
    a.w = 4
    b.w = 6
  }
}
// the end
