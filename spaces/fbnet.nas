// FBNet (Wu et al., CVPR 2019), table 1: 22 layers of nine blocks each, 9^22 architectures. Where the paper is silent
// this follows the authors' later code: `skip` is the identity, or a 1x1 convolution where channels or stride change; a
// block with expansion 1 keeps its first pointwise convolution. That code has biases in its convolutions, this file
// does not.
space fbnet(last = 1984, classes = 1000, size = 224) {
  input image: [3, size, size]

  block mb(x, c, stride, k, e, g = 1) {
    wide = x >> conv_bn_relu(e * channels(x), k = 1, groups = g) >> (shuffle(g) if g > 1 else identity())
    y = wide >> dw_conv_bn_relu(k = k, stride = stride) >> conv_bn(c, k = 1, groups = g)
    return sum(x, y) if stride == 1 and channels(x) == c else y
  }
  block shortcut(x, c, stride) =
    x if stride == 1 and channels(x) == c else x >> conv_bn_relu(c, k = 1, stride = stride)

  block layer(x, c, stride) {
    choose op in { k3_e1: mb(k = 3, e = 1), k3_e1_g2: mb(k = 3, e = 1, g = 2), k3_e3: mb(k = 3, e = 3),
                   k3_e6: mb(k = 3, e = 6), k5_e1: mb(k = 5, e = 1), k5_e1_g2: mb(k = 5, e = 1, g = 2),
                   k5_e3: mb(k = 5, e = 3), k5_e6: mb(k = 5, e = 6), skip: shortcut }
    return x >> op(c = c, stride = stride)
  }

  y[0] = image >> conv_bn_relu(16, k = 3, stride = 2)
  for (s, c, n, stride) in { (1, 16, 1, 1), (2, 24, 4, 2), (3, 32, 4, 2), (4, 64, 4, 2),
                             (5, 112, 4, 1), (6, 184, 4, 2), (7, 352, 1, 1) } {
    z[s, 0] = y[s-1]
    for i in 1..=n { z[s, i] = layer(z[s, i-1], c, stride if i == 1 else 1) }
    y[s] = z[s, n]
  }

  task classify = y[7] >> conv_bn_relu(last, k = 1) >> global_avg_pool() >> linear(classes) {
    loss cross_entropy(label_smoothing = 0.1)
    metric accuracy
  }
  require latency(ort_cpu) <= 6 ms

  preset fbnet_a(last = 1504) { }                      // the last convolution of FBNet-A
}
